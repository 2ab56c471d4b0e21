{{/*
The environment of each program. It stands in the pod templates themselves: a changed value restarts the pods that read it,
and no others.
*/}}

{{/* Every program. */}}
{{- define "milepost.env.common" -}}
- name: MILEPOST_LISTEN
  value: {{ .Values.listen | quote }}
- name: MILEPOST_ALLOW_ANONYMOUS
  value: "true"
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
  value: "9092"
- name: POD_NAME
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
- name: MILEPOST_BROKER_ID
  valueFrom:
    fieldRef:
      fieldPath: metadata.labels['apps.kubernetes.io/pod-index']
{{- with .Values.kafka }}
- name: MILEPOST_ADVERTISED_LISTENERS
  value: PLAINTEXT://{{ default (printf "$(POD_NAME).%s.%s.svc.%s" (include "milepost.headless" $) $.Release.Namespace $.Values.clusterDomain) .advertised.host }}:{{ .advertised.port }}
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
{{- range $name, $value := merge dict .properties $ofCluster }}
- name: KAFKA_{{ $name | replace "." "_" | upper }}
  value: {{ include "milepost.propertyText" (list $name $value) | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "milepost.env.clients" -}}
- name: MILEPOST_BOOTSTRAP_SERVERS
  value: {{ include "milepost.bootstrapServers" . | quote }}
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
- name: MILEPOST_MQTT_PORT
  value: "1883"
- name: MILEPOST_MQTT_WS_PORT
  value: {{ ternary "8083" "off" .Values.mqtt.webSocket | quote }}
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
