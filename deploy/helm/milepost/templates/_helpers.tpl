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

{{/* Given (list root component). Never changes: a selector cannot. So nameOverride has no part in it; alerts select this name. */}}
{{- define "milepost.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: milepost
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

{{/* By a listener of their own, if there is TLS: advertised addresses need not be reachable from the pods. */}}
{{- define "milepost.bootstrapServers" -}}
{{- $own := printf "%s-kafka:%v" (include "milepost.fullname" .) .Values.services.kafka.port -}}
{{- if and (include "milepost.locked" .) (eq .Values.mode "split") -}}
{{- $own = printf "%s:9094" (include "milepost.headless" .) -}}
{{- end -}}
{{- default $own .Values.kafka.external.bootstrapServers -}}
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

{{/* Where a pod of ours may run, given the values of `pods` or those of a workload over them. */}}
{{- define "milepost.scheduling" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/*
Given (list of rendered variables, list of extra ones): one list in which a name is there once. An extra variable replaces
the chart's own of that name: Kubernetes would take the last of two, or refuse both.
*/}}
{{- define "milepost.env" -}}
{{- $extra := index . 1 -}}
{{- $last := dict -}}
{{- range $extra }}{{ $_ := set $last .name . }}{{ end -}}
{{- $all := list -}}
{{- range index . 0 | compact -}}
{{- range fromYamlArray . }}{{ if not (hasKey $last .name) }}{{ $all = append $all . }}{{ end }}{{ end -}}
{{- end -}}
{{- range $extra -}}
{{- if hasKey $last .name }}{{ $all = append $all (get $last .name) }}{{ $_ := unset $last .name }}{{ end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}

{{/*
The value of a broker property as text. Helm reads numbers of a values file as floating point, which is exact up to 2^53 only:
one beyond is refused instead of changed, except for the largest of 64 bits, a default of Kafka's, which nothing else rounds to.
*/}}
{{- define "milepost.propertyText" -}}
{{- $name := index . 0 -}}
{{- $value := index . 1 -}}
{{- if kindIs "float64" $value -}}
{{- if ge $value 9223372036854775808.0 -}}
9223372036854775807
{{- else if or (gt $value 9007199254740991.0) (lt $value -9007199254740991.0) -}}
{{- fail (printf "kafka.properties.%s: expected a number beyond 2^53 in quotes, as helm rounds it otherwise; seen about %.0f" $name $value) -}}
{{- else -}}
{{ toJson $value }}
{{- end -}}
{{- else if kindIs "string" $value -}}
{{ $value }}
{{- else -}}
{{ toJson $value }}
{{- end -}}
{{- end -}}

{{/* A quantity such as 20Gi as a number, to compare two of them: Kubernetes may write it in another way than values.yaml. */}}
{{- define "milepost.quantity" -}}
{{- $number := regexFind "^[0-9.]+" . -}}
{{- $unit := trimPrefix $number . -}}
{{- $factors := dict "" 1 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "P" 1e15 "E" 1e18 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "Pi" 1125899906842624 "Ei" 1152921504606846976 -}}
{{- mulf (float64 $number) (get $factors $unit) | printf "%.0f" -}}
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
  {{- include "milepost.claimSpec" $persistence | nindent 2 }}
{{- end -}}

{{- define "milepost.claimSpec" -}}
accessModes: {{ default (list "ReadWriteOnce") .accessModes | toJson }}
{{- with .storageClass }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests:
    storage: {{ .size }}
{{- end -}}

{{/* How many brokers there are. */}}
{{- define "milepost.brokers" -}}
{{- ternary (int .Values.broker.replicas) 1 (eq .Values.mode "split") -}}
{{- end -}}

{{/* Not empty: the appliance has data of its own, a log or a database. */}}
{{- define "milepost.applianceKeepsData" -}}
{{- if or (include "milepost.ownBroker" .) (eq .Values.postgres.kind "embedded") }}yes{{ end -}}
{{- end -}}
