{{/*
The environment of each program. It stands in the pod templates themselves: a changed value restarts the pods that read it,
and no others.
*/}}

{{/* Every program. */}}
{{- define "milepost.env.common" -}}
{{- if include "milepost.locked" . }}
# Of the broker's first listener, which stays in the pod; every other port has an address of its own.
- name: MILEPOST_LISTEN
  value: 127.0.0.1
- name: MILEPOST_HTTP_LISTEN
  value: {{ .Values.listen | quote }}
- name: MILEPOST_HTTP_TLS
  value: {{ .Values.tls.web | quote }}
- name: MILEPOST_HTTP_AUTHENTICATION
  value: required
- name: MILEPOST_TLS_CERT_FILE
  value: /etc/milepost/tls/{{ .Values.tls.certKey }}
- name: MILEPOST_TLS_KEY_FILE
  value: /etc/milepost/tls/{{ .Values.tls.keyKey }}
- name: MILEPOST_ADMIN_USERNAME
  value: {{ .Values.admin.username | quote }}
- name: MILEPOST_ADMIN_PASSWORD_FILE
  value: /etc/milepost/admin/{{ .Values.admin.passwordKey }}
{{- else }}
- name: MILEPOST_LISTEN
  value: {{ .Values.listen | quote }}
- name: MILEPOST_ALLOW_ANONYMOUS
  value: "true"
{{- end }}
- name: MILEPOST_HTTP_PORT
  value: "8080"
# Apart from the map, so that a NetworkPolicy can tell one from the other.
- name: MILEPOST_METRICS_PORT
  value: "9464"
- name: MILEPOST_METRICS_LISTEN
  value: {{ .Values.listen | quote }}
- name: MILEPOST_LOG_LEVEL
  value: {{ .Values.logLevel }}
- name: MILEPOST_LOG_FORMAT
  value: {{ .Values.logFormat }}
{{- if .Values.extraCaCerts.existingSecret }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/milepost/ca/{{ .Values.extraCaCerts.secretKey }}
{{- end }}
{{- end -}}

{{/* The broker's properties follow Kafka's own rule for containers: KAFKA_NUM_PARTITIONS is num.partitions. */}}
{{- define "milepost.env.broker" -}}
- name: MILEPOST_DATA_DIR
  value: /data
- name: MILEPOST_KAFKA_PORT
  value: {{ ternary "9091" "9092" (eq (include "milepost.locked" .) "yes") | quote }}
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: MILEPOST_BROKER_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
{{- $pod := printf "$(POD_NAME).%s.%s.svc.%s" (include "milepost.headless" $) $.Release.Namespace $.Values.clusterDomain }}
{{- $locked := include "milepost.locked" $ }}
{{- if $locked }}
{{- include "milepost.env.listeners" (list $ $pod) }}
{{- end }}
{{- with .Values.kafka }}
{{- if not $locked }}
- name: MILEPOST_ADVERTISED_LISTENERS
  value: PLAINTEXT://{{ default $pod .advertised.host }}:{{ .advertised.port }}
{{- end }}
- name: MILEPOST_FLUSH
  value: {{ .flush }}
{{- if .rackTopologyKey }}
- name: MILEPOST_RACK
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['{{ .rackTopologyKey }}']
{{- else if .rack }}
- name: MILEPOST_RACK
  value: {{ .rack | quote }}
{{- end }}
{{- $brokers := int (include "milepost.brokers" $) }}
{{- $replicas := min 3 $brokers }}
{{- /* As of `milepost up --brokers N`: decision 47. */}}
{{- $ofCluster := ternary (dict "default.replication.factor" (toString $replicas) "min.insync.replicas" (toString (max 1 (sub $replicas 1)))) dict (gt $brokers 1) }}
{{- $ofLocks := ternary (dict "authorizer.class.name" "org.apache.kafka.metadata.authorizer.StandardAuthorizer") dict (eq $locked "yes") }}
{{- range $name, $value := merge dict .properties $ofCluster $ofLocks }}
- name: KAFKA_{{ $name | replace "." "_" | upper }}
  value: {{ include "milepost.propertyText" (list $name $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/*
Given (list root pod's-name). APPS stays in the pod: for the programs of the appliance, and for `milepost drain`. CLIENTS is for everybody,
INTERNAL for brokers and programs in other pods.
*/}}
{{- define "milepost.env.listeners" -}}
{{- $root := index . 0 -}}
{{- $pod := index . 1 -}}
{{- $anywhere := ternary (printf "[%s]" $root.Values.listen) $root.Values.listen (contains ":" $root.Values.listen) -}}
{{- $split := eq $root.Values.mode "split" -}}
{{- with $root.Values.kafka.advertised }}
- name: KAFKA_LISTENERS
  value: APPS://127.0.0.1:9091,CLIENTS://{{ $anywhere }}:9092{{ if $split }},INTERNAL://{{ $anywhere }}:9094{{ end }}
- name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP
  value: APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL{{ if $split }},INTERNAL:SASL_SSL{{ end }}
- name: KAFKA_ADVERTISED_LISTENERS
  value: CLIENTS://{{ default $pod .host }}:{{ .port }}{{ if $split }},INTERNAL://{{ $pod }}:9094{{ end }}
{{- if $split }}
- name: KAFKA_INTER_BROKER_LISTENER_NAME
  value: INTERNAL
{{- end }}
{{- end }}
{{- with $root.Values.tls.caKey }}
- name: KAFKA_SSL_TRUSTSTORE_LOCATION
  value: /etc/milepost/tls/{{ . }}
{{- end }}
{{- end -}}

{{- define "milepost.env.clients" -}}
- name: MILEPOST_BOOTSTRAP_SERVERS
  value: {{ include "milepost.bootstrapServers" . | quote }}
{{- if and (include "milepost.locked" .) (include "milepost.ownBroker" .) }}
- name: MILEPOST_KAFKA_SECURITY_PROTOCOL
  value: SASL_SSL
- name: MILEPOST_KAFKA_SASL_MECHANISM
  value: SCRAM-SHA-512
- name: MILEPOST_KAFKA_SASL_USERNAME
  value: {{ .Values.admin.username | quote }}
- name: MILEPOST_KAFKA_SASL_PASSWORD_FILE
  value: /etc/milepost/admin/{{ .Values.admin.passwordKey }}
{{- with .Values.tls.caKey }}
- name: MILEPOST_KAFKA_SSL_CA_FILE
  value: /etc/milepost/tls/{{ . }}
{{- end }}
{{- end }}
{{- with .Values.kafka.external }}
{{- if ne .securityProtocol "PLAINTEXT" }}
- name: MILEPOST_KAFKA_SECURITY_PROTOCOL
  value: {{ .securityProtocol }}
{{- end }}
{{- if hasPrefix "SASL_" .securityProtocol }}
- name: MILEPOST_KAFKA_SASL_MECHANISM
  value: {{ .sasl.mechanism }}
- name: MILEPOST_KAFKA_SASL_USERNAME
  value: {{ .sasl.username | quote }}
- name: MILEPOST_KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .sasl.existingSecret }}
      key: {{ .sasl.secretKey }}
{{- end }}
{{- with .tls.caSecret }}
- name: MILEPOST_KAFKA_SSL_CA_FILE
  value: /etc/milepost/kafka-ca/{{ $.Values.kafka.external.tls.caKey }}
{{- end }}
{{- if .tls.clientSecret }}
- name: MILEPOST_KAFKA_SSL_CERT_FILE
  value: /etc/milepost/kafka-client/{{ .tls.certKey }}
- name: MILEPOST_KAFKA_SSL_KEY_FILE
  value: /etc/milepost/kafka-client/{{ .tls.keyKey }}
{{- end }}
{{- end }}
{{- end -}}

{{/* A browser that comes by a name is refused unless it is known: those of the ingresses are (decision 59). */}}
{{- define "milepost.env.origins" -}}
{{- $hosts := list -}}
{{- range list .Values.ingress .Values.mqttIngress }}{{ if .enabled }}{{ $hosts = append $hosts .host }}{{ end }}{{ end -}}
{{- with uniq $hosts }}
- name: MILEPOST_ALLOWED_ORIGINS
  value: https://{{ join ",https://" . }},http://{{ join ",http://" . }}
{{- end }}
{{- end -}}

{{- define "milepost.env.gateway" -}}
{{- $webSocket := include "milepost.webSocket" . }}
{{- if include "milepost.locked" . }}
- name: MILEPOST_MQTT_LISTEN
  value: {{ .Values.listen | quote }}
- name: MILEPOST_MQTT_AUTHENTICATION
  value: required
- name: MILEPOST_MQTTS_PORT
  value: "8883"
- name: MILEPOST_MQTT_WSS_PORT
  value: {{ ternary "8084" "off" (eq $webSocket "8084") | quote }}
- name: MILEPOST_MQTT_PORT
  value: "off"
{{- with .Values.mqtt.clientCa }}
{{- if .existingSecret }}
- name: MILEPOST_MQTT_CLIENT_CA_FILE
  value: /etc/milepost/device-ca/{{ .secretKey }}
- name: MILEPOST_MQTT_CLIENT_CERTIFICATE
  value: {{ .certificate }}
- name: MILEPOST_MQTT_CERTIFICATE_NAME
  value: {{ .name }}
{{- with .mappingRules }}
- name: MILEPOST_MQTT_PRINCIPAL_MAPPING_RULES
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- else }}
- name: MILEPOST_MQTT_PORT
  value: "1883"
{{- end }}
- name: MILEPOST_MQTT_WS_PORT
  value: {{ ternary "8083" "off" (eq $webSocket "8083") | quote }}
{{- with .Values.mqtt.routes }}
- name: MILEPOST_MQTT_ROUTES
  value: {{ toJson . | quote }}
{{- end }}
{{- end -}}

{{- define "milepost.env.notifications" -}}
{{- with .Values.webhook }}
{{- if .existingSecret }}
- name: MILEPOST_WEBHOOK_URL
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretKey }}
{{- else if .url }}
- name: MILEPOST_WEBHOOK_URL
  value: {{ .url | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The password is never part of an address: it may contain any character. */}}
{{- define "milepost.env.database" -}}
{{- $external := .Values.postgres.external -}}
{{- if eq .Values.postgres.kind "bundled" }}
- name: DATABASE_URL
  value: postgres://milepost@{{ include "milepost.fullname" . }}-postgres:5432/milepost
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "milepost.postgresSecret" . }}
      key: {{ .Values.postgres.bundled.secretKey }}
{{- else if eq .Values.postgres.kind "external" }}
{{- with $external }}
{{- if .host }}
- name: DATABASE_URL
  value: postgres://{{ .host }}:{{ .port }}/{{ .database }}
- name: PGUSER
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretKeys.username }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretKeys.password }}
{{- else }}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .secretKeys.uri }}
{{- end }}
{{- with .sslMode }}
- name: PGSSLMODE
  value: {{ . }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
