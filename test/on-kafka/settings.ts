// Milepost's settings for each listener of that Kafka.
import { type ApacheKafka, PASSWORD, type Protocol, USER } from './apache-kafka.ts';

type Mechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
export type Settings = Readonly<Record<string, string>>;

export const settingsFor = (kafka: ApacheKafka, protocol: Protocol, mechanism: Mechanism = 'PLAIN'): Settings => ({
  MILEPOST_BOOTSTRAP_SERVERS: kafka.bootstrap(protocol),
  MILEPOST_KAFKA_SECURITY_PROTOCOL: protocol,
  ...(protocol.startsWith('SASL_')
    ? {
        MILEPOST_KAFKA_SASL_MECHANISM: mechanism,
        MILEPOST_KAFKA_SASL_USERNAME: USER,
        MILEPOST_KAFKA_SASL_PASSWORD: PASSWORD,
      }
    : {}),
  ...(protocol.endsWith('SSL') ? { MILEPOST_KAFKA_SSL_CA_FILE: kafka.caFile } : {}),
});
