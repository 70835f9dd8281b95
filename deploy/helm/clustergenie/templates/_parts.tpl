{{/* What several of the files use: names, labels, the environment and the hardening of every pod. */}}

{{- define "clustergenie.name" -}}
{{- if contains "clustergenie" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-clustergenie" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "clustergenie.selector" -}}
app.kubernetes.io/name: clustergenie
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end -}}

{{- define "clustergenie.labels" -}}
{{ include "clustergenie.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- define "clustergenie.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{- define "clustergenie.secret" -}}
{{- if .Values.existingSecret -}}{{ .Values.existingSecret }}
{{- else -}}
{{- if not .Values.secrets.databaseUrl -}}
{{- fail "Name a Secret with existingSecret (keys database_url, secret_key and, if used, redis_url), or give secrets.databaseUrl and secrets.secretKey." -}}
{{- end -}}
{{- if not .Values.secrets.secretKey -}}{{- fail "secrets.secretKey is missing: make one with `openssl rand -hex 32`, and keep it: stored credentials cannot be read without it." -}}{{- end -}}
{{ include "clustergenie.name" . }}
{{- end -}}
{{- end -}}

{{/* Where the ingress is reached; nothing when there is none. */}}
{{- define "clustergenie.ingress" -}}
{{- if .Values.ingress.enabled -}}
http{{ if .Values.ingress.tls.enabled }}s{{ end }}://{{ .Values.ingress.host }}{{ .Values.basePath }}
{{- end -}}
{{- end -}}

{{/* Secrets are read from files: an environment shows up in crash dumps and `kubectl describe`. */}}
{{- define "clustergenie.env" -}}
- { name: CLUSTERGENIE_HOST, value: "0.0.0.0" }
- { name: CLUSTERGENIE_PORT, value: "8080" }
- { name: CLUSTERGENIE_DATA_DIR, value: /data }
- { name: CLUSTERGENIE_DATABASE_URL_FILE, value: /run/secrets/clustergenie/database_url }
- { name: CLUSTERGENIE_SECRET_KEY_FILE, value: /run/secrets/clustergenie/secret_key }
{{- if or .Values.existingSecret .Values.secrets.redisUrl }}
- name: CLUSTERGENIE_REDIS_URL
  valueFrom: { secretKeyRef: { name: {{ include "clustergenie.secret" . }}, key: redis_url, optional: true } }
{{- end }}
{{- with .Values.kafka.brokers }}
- { name: KAFKA_BROKERS, value: {{ . | quote }} }
{{- end }}
- { name: CLUSTERGENIE_PROVIDERS, value: {{ .Values.providers | quote }} }
- { name: CLUSTERGENIE_DEFAULT_PROVIDER, value: {{ .Values.defaultProvider | quote }} }
{{- if .Values.simulatedCloud.enabled }}
- { name: CLUSTERGENIE_SIMULATED_URL, value: "http://{{ include "clustergenie.name" . }}-simulated-cloud:9090" }
{{- end }}
{{- with .Values.publicUrl | default (include "clustergenie.ingress" .) }}
- { name: CLUSTERGENIE_PUBLIC_URL, value: {{ . | quote }} }
{{- end }}
- { name: CLUSTERGENIE_ALLOWED_HOSTS, value: {{ prepend .Values.allowedHosts (include "clustergenie.name" .) | join "," | quote }} }
- { name: ENVIRONMENT, value: {{ .Values.environment | quote }} }
- { name: LOG_LEVEL, value: {{ .Values.logLevel | quote }} }
{{- with .Values.basePath }}
- { name: CLUSTERGENIE_BASE_PATH, value: {{ . | quote }} }
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "clustergenie.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: { type: RuntimeDefault }
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: secrets
    secret: { secretName: {{ include "clustergenie.secret" . }}, defaultMode: 0440 }
  - { name: data, emptyDir: { sizeLimit: 64Mi } }
  - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
{{- end -}}

{{- define "clustergenie.container" -}}
image: {{ include "clustergenie.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: secrets, mountPath: /run/secrets/clustergenie, readOnly: true }
  - { name: data, mountPath: /data }
  - { name: tmp, mountPath: /tmp }
{{- end -}}

{{/* Alive is not ready: a pod whose database is away must get no requests, but ending it would help nobody. */}}
{{- define "clustergenie.probes" -}}
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end -}}

{{- define "clustergenie.spread" -}}
topologySpreadConstraints:
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "clustergenie.selector" $ | nindent 8 }}
{{- end }}
{{- end -}}
