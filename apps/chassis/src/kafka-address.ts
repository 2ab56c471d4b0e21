// The Kafka of the settings: MILEPOST_BOOTSTRAP_SERVERS, else a Milepost broker on this machine. Certificates and the
// password are read from their files.
import { readFileSync } from 'node:fs';
import type { Settings } from '@milepost/settings';
import type { KafkaAddress, KafkaSasl, KafkaTls } from '@milepost/streams';

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
  const fromFile = read(
    'MILEPOST_KAFKA_SASL_PASSWORD_FILE',
    settings.kafkaSaslPasswordFile,
    /^[^\r\n]+\r?\n?$/,
    'a password',
  );
  return { mechanism, username, password: settings.kafkaSaslPassword ?? fromFile?.replace(/\r?\n$/, '') ?? '' };
}

function tlsOf({ kafkaSslCaFile, kafkaSslCertFile, kafkaSslKeyFile, kafkaSslKeyPassword }: Settings): KafkaTls {
  const certificate = /-----BEGIN (TRUSTED )?CERTIFICATE-----/;
  const ca = read('MILEPOST_KAFKA_SSL_CA_FILE', kafkaSslCaFile, certificate, 'certificates in PEM');
  const cert = read('MILEPOST_KAFKA_SSL_CERT_FILE', kafkaSslCertFile, certificate, 'a certificate in PEM');
  const key = read(
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

function read(variable: string, path: string | undefined, isRight: RegExp, expected: string): string | undefined {
  if (path === undefined) return undefined;
  const text = textOf(variable, path);
  if (!isRight.test(text)) throw new Error(`${variable}: expected ${expected} in ${path}, got something else`);
  return text;
}

function textOf(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Error(
      `${variable}: expected a file that can be read, got ${path} (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
