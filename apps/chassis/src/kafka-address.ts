// The Kafka of the settings: MILEPOST_BOOTSTRAP_SERVERS, else a Milepost broker on this machine. Certificates and the
// password are read from their files.
import type { Settings } from '@milepost/settings';
import type { KafkaAddress, KafkaSasl, KafkaTls } from '@milepost/streams';
import { passwordOfSetting, textOfSetting } from './setting-file.ts';

/** @throws Error naming the setting whose file cannot be read. */
export function kafkaAddress(settings: Settings): KafkaAddress {
  const { bootstrapServers, kafkaPort, kafkaSecurityProtocol: protocol } = settings;
  if (!bootstrapServers) return { bootstrapServers: [`127.0.0.1:${kafkaPort}`] };
  return {
    bootstrapServers,
    ...(protocol.startsWith('SASL_') ? { sasl: saslOf(settings) } : {}),
    ...(protocol.endsWith('SSL') ? { tls: tlsOf(settings) } : {}),
  };
}

/** The settings are validated: nothing is missing. */
function saslOf(settings: Settings): KafkaSasl {
  const { kafkaSaslMechanism: mechanism = 'PLAIN', kafkaSaslUsername: username = '' } = settings;
  const fromFile = passwordOfSetting('MILEPOST_KAFKA_SASL_PASSWORD_FILE', settings.kafkaSaslPasswordFile);
  return { mechanism, username, password: settings.kafkaSaslPassword ?? fromFile ?? '' };
}

function tlsOf({ kafkaSslCaFile, kafkaSslCertFile, kafkaSslKeyFile, kafkaSslKeyPassword }: Settings): KafkaTls {
  const certificate = /-----BEGIN (TRUSTED )?CERTIFICATE-----/;
  const ca = textOfSetting('MILEPOST_KAFKA_SSL_CA_FILE', kafkaSslCaFile, certificate, 'certificates in PEM');
  const cert = textOfSetting('MILEPOST_KAFKA_SSL_CERT_FILE', kafkaSslCertFile, certificate, 'a certificate in PEM');
  const key = textOfSetting(
    'MILEPOST_KAFKA_SSL_KEY_FILE',
    kafkaSslKeyFile,
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
    'a private key in PEM',
  );
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(kafkaSslKeyPassword === undefined ? {} : { passphrase: kafkaSslKeyPassword }),
  };
}
