{{/* TLS and authentication: the Secrets, who makes them, and the names in the certificate. */}}

{{/* Not empty: every port has TLS and authentication. */}}
{{- define "milepost.locked" -}}
{{- if not .Values.allowAnonymous }}yes{{ end -}}
{{- end -}}

{{- define "milepost.tlsSecret" -}}
{{- default (printf "%s-tls" (include "milepost.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{- define "milepost.adminSecret" -}}
{{- default (printf "%s-admin" (include "milepost.fullname" .)) .Values.admin.existingSecret -}}
{{- end -}}

{{/* Not empty: the Job makes the authority and the certificate. */}}
{{- define "milepost.ownAuthority" -}}
{{- if and (include "milepost.locked" .) (not .Values.tls.existingSecret) (not .Values.tls.certManager.enabled) }}yes{{ end -}}
{{- end -}}

{{/* Not empty: the Job makes the password of the admin. */}}
{{- define "milepost.ownAdmin" -}}
{{- if and (include "milepost.locked" .) (not .Values.admin.existingSecret) }}yes{{ end -}}
{{- end -}}

{{/* Not empty: HTTP and WebSocket have TLS. */}}
{{- define "milepost.webTls" -}}
{{- if and (include "milepost.locked" .) .Values.tls.web }}yes{{ end -}}
{{- end -}}

{{/* Ports of the pods. */}}
{{- define "milepost.mqtt" -}}
{{- ternary "8883" "1883" (eq (include "milepost.locked" .) "yes") -}}
{{- end -}}

{{/* Empty: not opened. */}}
{{- define "milepost.webSocket" -}}
{{- if .Values.mqtt.webSocket }}{{ ternary "8084" "8083" (eq (include "milepost.webTls" .) "yes") }}{{ end -}}
{{- end -}}

{{/* Ports of the service. */}}
{{- define "milepost.mqttPort" -}}
{{- default (include "milepost.mqtt" .) (.Values.services.mqtt.port | toString | trimPrefix "0") -}}
{{- end -}}

{{- define "milepost.webSocketPort" -}}
{{- default (include "milepost.webSocket" .) (.Values.services.mqtt.webSocketPort | toString | trimPrefix "0") -}}
{{- end -}}

{{/* The names and addresses in the certificate, as JSON. */}}
{{- define "milepost.certificateNames" -}}
{{- $full := include "milepost.fullname" . -}}
{{- $domain := printf "%s.svc.%s" .Release.Namespace .Values.clusterDomain -}}
{{- $services := list (printf "%s-mqtt" $full) (printf "%s-dashboard" $full) -}}
{{- $names := list -}}
{{- if include "milepost.ownBroker" . -}}
{{- $headless := include "milepost.headless" . -}}
{{- $services = concat $services (list (printf "%s-kafka" $full) $headless) -}}
{{- $names = append $names (printf "*.%s.%s" $headless $domain) -}}
{{- with .Values.kafka.advertised.host -}}
{{- $component := include "milepost.component" (list $ "broker") -}}
{{- range $ordinal := until (int (include "milepost.brokers" $)) -}}
{{- $names = append $names ($.Values.kafka.advertised.host | replace "$(POD_NAME)" (printf "%s-%s-%d" $full $component $ordinal)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $services -}}
{{- $names = concat $names (list . (printf "%s.%s" . $.Release.Namespace) (printf "%s.%s.svc" . $.Release.Namespace) (printf "%s.%s" . $domain)) -}}
{{- end -}}
{{- concat $names (list "localhost" "127.0.0.1") .Values.tls.names | uniq | toJson -}}
{{- end -}}

{{/* Given (list root component): the Secrets that its pods mount. */}}
{{- define "milepost.lockSecrets" -}}
{{- $root := index . 0 -}}
{{- $component := index . 1 -}}
{{- if include "milepost.locked" $root -}}
{{- with $root.Values.tls -}}
- {name: tls, secret: {{ include "milepost.tlsSecret" $root }}, keys: {{ list .certKey .keyKey .caKey | compact | toJson }}}
{{- end }}
- {name: admin, secret: {{ include "milepost.adminSecret" $root }}, keys: [{{ $root.Values.admin.passwordKey }}]}
{{- with $root.Values.mqtt.clientCa }}
{{- if and .existingSecret (eq $component (include "milepost.component" (list $root "gateway"))) }}
- {name: device-ca, secret: {{ .existingSecret }}, keys: [{{ .secretKey }}]}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/*
Given (dict "root" . "account" "its service account" "admin" true): the pod that makes Secrets, or renews the certificate. Its token is mounted
where only this container has it, and for an hour.
*/}}
{{- define "milepost.secretsPod" -}}
{{- $root := .root -}}
metadata:
  labels:
    app.kubernetes.io/name: milepost-secrets
    app.kubernetes.io/instance: {{ $root.Release.Name }}
    {{- include "milepost.podLabels" $root | nindent 4 }}
spec:
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  restartPolicy: Never
  {{- with include "milepost.scheduling" $root.Values.pods | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  serviceAccountName: {{ .account }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  securityContext:
    {{- include "milepost.podSecurity" $root | nindent 4 }}
  containers:
    - name: secrets
      image: {{ include "milepost.image" (list $root.Values.image $root.Chart.AppVersion) }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - secrets
        - --account=/var/run/secrets/milepost
        {{- if include "milepost.ownAuthority" $root }}
        - --authority={{ include "milepost.fullname" $root }}-authority
        - --certificate={{ include "milepost.tlsSecret" $root }}
        {{- range include "milepost.certificateNames" $root | fromJsonArray }}
        - --name={{ . }}
        {{- end }}
        {{- end }}
        {{- if .admin }}
        - --admin={{ include "milepost.adminSecret" $root }}
        {{- end }}
      securityContext:
        {{- include "milepost.containerSecurity" $root | nindent 8 }}
      resources:
        requests: {cpu: 50m, memory: 64Mi}
        limits: {memory: 256Mi}
      volumeMounts:
        - name: account
          mountPath: /var/run/secrets/milepost
          readOnly: true
  volumes:
    - name: account
      projected:
        sources:
          - serviceAccountToken: {path: token, expirationSeconds: 3600}
          - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
          - downwardAPI: {items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]}
{{- end -}}

{{/* Given (dict "root" . "name" "" "annotations" dict "rules" (list …)): an account for that pod, and what it may do. */}}
{{- define "milepost.secretsAccount" -}}
{{- $labels := include "milepost.labels" (list .root "secrets") -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  labels:
    {{- $labels | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ .name }}
  labels:
    {{- $labels | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
rules:
  {{- range .rules }}
  - apiGroups: [""]
    resources: [secrets]
    verbs: [{{ .verb }}]
    {{- with .names }}
    resourceNames: {{ toJson . }}
    {{- end }}
  {{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: {{ .name }}
  labels:
    {{- $labels | nindent 4 }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}
