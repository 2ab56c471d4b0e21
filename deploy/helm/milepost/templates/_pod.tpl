{{/*
The pod of a program. Given (dict "root" . "component" "gateway" "command" "gateway" "env" (list …) "ports" (list …)
"keepsData" false "database" true): env is a list of rendered YAML, keepsData a volume at /data that the workload claims, or that
persistence.existingClaim names.
*/}}
{{- define "milepost.pod" -}}
{{- $root := .root -}}
{{- $own := index $root.Values .component -}}
{{- $pods := mergeOverwrite (deepCopy $root.Values.pods) (deepCopy $own) -}}
{{- $drains := and (eq .component "broker") (gt (int (include "milepost.brokers" $root)) 1) -}}
{{- $scheme := ternary ", scheme: HTTPS" "" (eq (include "milepost.webTls" $root) "yes") -}}
{{- $generated := and .database (eq $root.Values.postgres.kind "bundled") (not $root.Values.postgres.bundled.existingSecret) -}}
metadata:
  labels:
    {{- include "milepost.selector" (list $root .component) | nindent 4 }}
    {{- include "milepost.podLabels" $root | nindent 4 }}
    {{- with $pods.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if or $generated $pods.annotations }}
  annotations:
    {{- if $generated }}
    checksum/postgres-secret: {{ $root.Values.postgres.bundled.password | sha256sum }}
    {{- end }}
    {{- with $pods.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- end }}
spec:
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  serviceAccountName: {{ include "milepost.serviceAccount" $root }}
  automountServiceAccountToken: false
  # A service called milepost would add MILEPOST_PORT and similar variables to the environment, which are not settings.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add 130 (ternary $root.Values.broker.drainSeconds $pods.preStopSleepSeconds $drains) }}
  securityContext:
    {{- include "milepost.podSecurity" $root | nindent 4 }}
    {{- if and $pods.fsGroup (not (include "milepost.onOpenShift" $root)) }}
    fsGroup: {{ int64 $pods.fsGroup }}
    # Not at each start: PostgreSQL refuses a folder that is writable by its group.
    fsGroupChangePolicy: OnRootMismatch
    {{- end }}
  {{- with include "milepost.scheduling" $pods | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- if $pods.topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- toYaml $pods.topologySpreadConstraints | nindent 4 }}
  {{- else if has .component (list "gateway" "broker") }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "milepost.selector" (list $root $.component) | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with $pods.initContainers }}
  initContainers:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "milepost.image" (list $root.Values.image $root.Chart.AppVersion) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args: [{{ .command }}]
      securityContext:
        {{- include "milepost.containerSecurity" $root | nindent 8 }}
      env:
        {{- include "milepost.env" (list (concat (list (include "milepost.env.common" $root)) (ternary (list (include "milepost.env.database" $root)) list .database) .env) $pods.extraEnv) | nindent 8 }}
      {{- with $pods.envFrom }}
      envFrom:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        {{- range concat (list (list "http" 8080) (list "metrics" 9464)) .ports }}
        - name: {{ index . 0 }}
          containerPort: {{ index . 1 }}
        {{- end }}
      # The port opens immediately, before a log is recovered or a database awaited: a starting pod is alive.
      startupProbe:
        httpGet: {path: /health/live, port: http{{ $scheme }}}
        {{- toYaml $pods.probes.startup | nindent 8 }}
      livenessProbe:
        httpGet: {path: /health/live, port: http{{ $scheme }}}
        {{- toYaml $pods.probes.liveness | nindent 8 }}
      readinessProbe:
        httpGet: {path: /health/ready, port: http{{ $scheme }}}
        {{- toYaml $pods.probes.readiness | nindent 8 }}
      {{- if $drains }}
      # Waits until the other replicas are in sync; then SIGTERM moves the leaderships of this broker to them.
      lifecycle:
        preStop:
          exec:
            command: [node, apps/cli/src/main.js, drain, --seconds, {{ $root.Values.broker.drainSeconds | quote }}]
      {{- else if $pods.preStopSleepSeconds }}
      lifecycle:
        preStop:
          sleep:
            seconds: {{ $pods.preStopSleepSeconds }}
      {{- end }}
      resources:
        {{- toYaml $own.resources | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
        {{- if .keepsData }}
        - name: data
          mountPath: /data
        {{- end }}
        {{- with include "milepost.caMount" $root }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- range concat (include "milepost.lockSecrets" (list $root $.component) | fromYamlArray) (include "milepost.kafkaSecrets" $root | fromYamlArray) }}
        - name: {{ .name }}
          mountPath: /etc/milepost/{{ .name }}
          readOnly: true
        {{- end }}
        {{- with $pods.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with $pods.sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    {{- if .keepsData }}
    {{- with $own.persistence.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ . }}
    {{- end }}
    {{- end }}
    {{- with $pods.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- with include "milepost.caVolume" $root }}
    {{- . | nindent 4 }}
    {{- end }}
    {{- range concat (include "milepost.lockSecrets" (list $root $.component) | fromYamlArray) (include "milepost.kafkaSecrets" $root | fromYamlArray) }}
    - name: {{ .name }}
      secret:
        secretName: {{ .secret }}
        items:
          {{- range .keys }}
          - key: {{ . }}
            path: {{ . }}
          {{- end }}
    {{- end }}
{{- end -}}

{{/* Certificates for an external Kafka: every pod except the database's is its client then. */}}
{{- define "milepost.kafkaSecrets" -}}
{{- with .Values.kafka.external.tls -}}
{{- if .caSecret }}
- {name: kafka-ca, secret: {{ .caSecret }}, keys: [{{ .caKey }}]}
{{- end }}
{{- if .clientSecret }}
- {name: kafka-client, secret: {{ .clientSecret }}, keys: [{{ .certKey }}, {{ .keyKey }}]}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "milepost.caMount" -}}
{{- if .Values.extraCaCerts.existingSecret -}}
- name: ca
  mountPath: /etc/milepost/ca
  readOnly: true
{{- end -}}
{{- end -}}

{{- define "milepost.caVolume" -}}
{{- with .Values.extraCaCerts -}}
{{- if .existingSecret -}}
- name: ca
  secret:
    secretName: {{ .existingSecret }}
    items:
      - key: {{ .secretKey }}
        path: {{ .secretKey }}
{{- end -}}
{{- end -}}
{{- end -}}
