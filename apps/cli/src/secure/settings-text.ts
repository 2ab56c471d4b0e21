// The settings.env that `milepost secure` writes: every port that other machines reach has TLS and authentication.

export interface SecureSettings {
  /** PEM: key and certificates. */
  readonly certificateFile: string;
  /** Of the user by which gateway, dashboard and notifications connect to Kafka; undefined: that of the environment. */
  readonly ownApps: { readonly username: string; readonly passwordFile: string } | undefined;
  /** A super user of Kafka's. */
  readonly admin: string;
  /** What Kafka's clients are told. */
  readonly advertisedHost: string;
  /** Undefined: there is no broker of ours. */
  readonly broker: BrokerSettings | undefined;
}

export interface BrokerSettings {
  /** Of the listener for the own apps, on this machine alone. */
  readonly kafkaPort: number;
  /** Of a broker of several, on machines of their own. */
  readonly cluster?: { readonly id: number; readonly authorityFile: string } | undefined;
}

/** Beside Kafka's 9092, which the own apps use. */
const CLIENTS_PORT = 9_093;
const BROKERS_PORT = 9_094;
/** Its presence shows that a file is for one of several brokers. */
export const INTER_BROKER_LISTENER = 'KAFKA_INTER_BROKER_LISTENER_NAME';

export function settingsText(settings: SecureSettings): string {
  const { broker, certificateFile } = settings;
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
${broker ? kafkaText(settings, broker) : ''}`;
}

function kafkaText({ admin, advertisedHost, ownApps }: SecureSettings, { cluster, kafkaPort }: BrokerSettings): string {
  const host = advertisedHost.includes(':') ? `[${advertisedHost}]` : advertisedHost;
  const login = ownApps
    ? `MILEPOST_ADMIN_USERNAME=${ownApps.username}\nMILEPOST_ADMIN_PASSWORD_FILE=${ownApps.passwordFile}\n`
    : '';
  const [listener, protocol, advertised] = cluster
    ? [`,BROKERS://0.0.0.0:${BROKERS_PORT}`, ',BROKERS:SASL_SSL', `,BROKERS://${host}:${BROKERS_PORT}`]
    : ['', '', ''];
  return `
# Kafka: APPS is for this machine alone. CLIENTS has TLS and SCRAM; what is not allowed by an ACL is denied.
${login}KAFKA_LISTENERS=APPS://127.0.0.1:${kafkaPort},CLIENTS://0.0.0.0:${CLIENTS_PORT}${listener}
KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=APPS:SASL_PLAINTEXT,CLIENTS:SASL_SSL${protocol}
KAFKA_ADVERTISED_LISTENERS=CLIENTS://${host}:${CLIENTS_PORT}${advertised}
KAFKA_AUTHORIZER_CLASS_NAME=org.apache.kafka.metadata.authorizer.StandardAuthorizer
KAFKA_SUPER_USERS=User:${admin}
${cluster ? clusterText(cluster) : ''}`;
}

const clusterText = ({ authorityFile, id }: { readonly id: number; readonly authorityFile: string }): string => `
# One of several brokers: they reach each other by BROKERS, with the administrator above.
MILEPOST_BROKER_ID=${id}
${INTER_BROKER_LISTENER}=BROKERS
KAFKA_SSL_TRUSTSTORE_LOCATION=${authorityFile}
`;
