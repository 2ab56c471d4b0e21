// The settings.env that `milepost secure` writes: every port that other machines reach has TLS and authentication.

export interface SecureSettings {
  /** PEM: key and certificates. */
  readonly certificateFile: string;
  /** Of the user by which gateway, dashboard and notifications connect to Kafka. */
  readonly passwordFile: string;
  readonly ownApps: string;
  readonly admin: string;
  /** What Kafka's clients are told. */
  readonly advertisedHost: string;
  readonly hasBroker: boolean;
  /** Of the listener for the own apps, on this machine alone. */
  readonly kafkaPort: number;
}

/** Beside Kafka's 9092, which the own apps use. */
const CLIENTS_PORT = 9_093;

export function settingsText(settings: SecureSettings): string {
  const { certificateFile } = settings;
  return `# Written by \`milepost secure\`. The environment wins over this file (docs/SECURITY.md).

# The map and its API: HTTPS, users sign in.
MILEPOST_HTTP_LISTEN=0.0.0.0
MILEPOST_HTTP_TLS=true
MILEPOST_HTTP_AUTHENTICATION=required
MILEPOST_TLS_CERT_FILE=${certificateFile}

# Devices: MQTT over TLS, with a password or a certificate of their own.
MILEPOST_MQTT_LISTEN=0.0.0.0
MILEPOST_MQTT_AUTHENTICATION=required
MILEPOST_MQTT_PORT=off
MILEPOST_MQTT_WS_PORT=off
MILEPOST_MQTTS_PORT=8883
MILEPOST_MQTT_WSS_PORT=8084
${settings.hasBroker ? kafkaText(settings) : ''}`;
}

function kafkaText({
  certificateFile,
  passwordFile,
  ownApps,
  admin,
  advertisedHost,
  kafkaPort,
}: SecureSettings): string {
  const host = advertisedHost.includes(':') ? `[${advertisedHost}]` : advertisedHost;
  return `
# Kafka: APPS is for the appliance itself, on this machine. CLIENTS has TLS and SCRAM; what is not allowed by an ACL is denied.
MILEPOST_ADMIN_USERNAME=${ownApps}
MILEPOST_ADMIN_PASSWORD_FILE=${passwordFile}
KAFKA_LISTENERS=APPS://127.0.0.1:${kafkaPort},CLIENTS://0.0.0.0:${CLIENTS_PORT}
KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL
KAFKA_ADVERTISED_LISTENERS=CLIENTS://${host}:${CLIENTS_PORT}
KAFKA_SSL_KEYSTORE_LOCATION=${certificateFile}
KAFKA_AUTHORIZER_CLASS_NAME=org.apache.kafka.metadata.authorizer.StandardAuthorizer
KAFKA_SUPER_USERS=User:${admin}
`;
}
