{{/* Names, labels, and the common parts of several templates. */}}

{{- define "milepost.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for the longest suffix and a pod's own. */}}
{{- define "milepost.fullname" -}}
{{- $name := include "milepost.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* Given (list root component). Never changes: a selector cannot. */}}
{{- define "milepost.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "milepost.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Given (list root component). */}}
{{- define "milepost.labels" -}}
{{- $root := index . 0 -}}
{{ include "milepost.selector" . }}
{{ include "milepost.releaseLabels" $root }}
{{- end -}}

{{/* Labels of pods: none that changes with the chart's version, which would restart them. */}}
{{- define "milepost.podLabels" -}}
app.kubernetes.io/part-of: milepost
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "milepost.releaseLabels" -}}
{{ include "milepost.podLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Given an image of values and the default tag. */}}
{{- define "milepost.image" -}}
{{- $image := index . 0 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default (index . 1) $image.tag }}
{{- end -}}
{{- end -}}

{{- define "milepost.serviceAccount" -}}
{{- default (ternary (include "milepost.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name -}}
{{- end -}}

{{/* The workload that holds a role: all of them in the appliance. */}}
{{- define "milepost.component" -}}
{{- ternary "appliance" (index . 1) (eq (index . 0).Values.mode "appliance") -}}
{{- end -}}

{{/* Not empty: a Milepost broker is installed. */}}
{{- define "milepost.ownBroker" -}}
{{- if not .Values.kafka.external.bootstrapServers }}yes{{ end -}}
{{- end -}}

{{- define "milepost.headless" -}}
{{ include "milepost.fullname" . }}-{{ include "milepost.component" (list . "broker") }}
{{- end -}}

{{- define "milepost.bootstrapServers" -}}
{{- default (printf "%s-kafka:%v" (include "milepost.fullname" .) .Values.services.kafka.port) .Values.kafka.external.bootstrapServers -}}
{{- end -}}

{{- define "milepost.postgresSecret" -}}
{{- default (printf "%s-postgres" (include "milepost.fullname" .)) .Values.postgres.bundled.existingSecret -}}
{{- end -}}

{{/* The requirements of "restricted" for a pod. OpenShift sets uid and fsGroup itself and refuses others. */}}
{{- define "milepost.podSecurity" -}}
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "milepost.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "milepost.onOpenShift" -}}
{{- if .Capabilities.APIVersions.Has "security.openshift.io/v1" }}yes{{ end -}}
{{- end -}}

{{/* Given (list root persistence component): the claim for the data of a StatefulSet. */}}
{{- define "milepost.claim" -}}
{{- $persistence := index . 1 -}}
metadata:
  name: data
  labels:
    {{- include "milepost.selector" (list (index . 0) (index . 2)) | nindent 4 }}
  {{- with $persistence.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  accessModes: {{ default (list "ReadWriteOnce") $persistence.accessModes | toJson }}
  {{- with $persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ $persistence.size }}
{{- end -}}
