// How to connect to the Kafka of MILEPOST_BOOTSTRAP_SERVERS: TLS and SASL, in the terms of Kafka's own clients
// (security.protocol, sasl.mechanism), with certificates as PEM files and a password that need not be in the environment.
import { z } from 'zod';
import { setting, text, type Value } from './row.ts';

const file = 'a file';

export const kafkaTable = {
  bootstrapServers: setting({
    variable: 'MILEPOST_BOOTSTRAP_SERVERS',
    schema: z.string().transform((value, context) => {
      const parts = value.split(',').map((part) => part.trim());
      if (parts.every((part) => /^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/.test(part))) return parts;
      context.addIssue({ code: 'custom', message: 'not host:port' });
      return z.NEVER;
    }),
    expected: 'host:port, several separated by commas',
    meaning:
      'The Kafka that gateway, dashboard and notifications use. Unset: our own broker; if set, the appliance starts none.',
  }),
  kafkaWaitSeconds: setting({
    variable: 'MILEPOST_KAFKA_WAIT_SECONDS',
    schema: z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
    expected: 'a whole number of seconds, up to 99999',
    fallback: '30',
    meaning: 'How long a start waits for a Kafka that cannot be reached before it gives up with status 1.',
  }),
  kafkaSecurityProtocol: setting({
    variable: 'MILEPOST_KAFKA_SECURITY_PROTOCOL',
    schema: z.enum(['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']),
    expected: 'PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL',
    fallback: 'PLAINTEXT',
    meaning: "The protocol of the Kafka in MILEPOST_BOOTSTRAP_SERVERS, as in Kafka's security.protocol.",
  }),
  kafkaSaslMechanism: setting({
    variable: 'MILEPOST_KAFKA_SASL_MECHANISM',
    schema: z.enum(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']),
    expected: 'PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512',
    meaning: 'The authentication of a user, with SASL_PLAINTEXT and SASL_SSL.',
  }),
  kafkaSaslUsername: setting({
    variable: 'MILEPOST_KAFKA_SASL_USERNAME',
    schema: text,
    expected: 'a user name',
    meaning: 'The user of gateway, dashboard and notifications in that Kafka.',
  }),
  kafkaSaslPassword: setting({
    variable: 'MILEPOST_KAFKA_SASL_PASSWORD',
    schema: text,
    expected: 'a password',
    meaning: 'Its password; or MILEPOST_KAFKA_SASL_PASSWORD_FILE.',
    isSecret: true,
  }),
  kafkaSaslPasswordFile: setting({
    variable: 'MILEPOST_KAFKA_SASL_PASSWORD_FILE',
    schema: text,
    expected: file,
    meaning: 'File with the password and nothing else; a line break at its end is ignored.',
  }),
  kafkaSslCaFile: setting({
    variable: 'MILEPOST_KAFKA_SSL_CA_FILE',
    schema: text,
    expected: file,
    meaning: 'PEM file of the authorities for its certificate, with SSL and SASL_SSL. Unset: those of Node.',
  }),
  kafkaSslCertFile: setting({
    variable: 'MILEPOST_KAFKA_SSL_CERT_FILE',
    schema: text,
    expected: file,
    meaning: 'PEM file of our own certificate, for a Kafka that requires one (ssl.client.auth).',
  }),
  kafkaSslKeyFile: setting({
    variable: 'MILEPOST_KAFKA_SSL_KEY_FILE',
    schema: text,
    expected: file,
    meaning: "PEM file of that certificate's private key.",
  }),
  kafkaSslKeyPassword: setting({
    variable: 'MILEPOST_KAFKA_SSL_KEY_PASSWORD',
    schema: text,
    expected: 'a password',
    meaning: 'The password of an encrypted private key.',
    isSecret: true,
  }),
} as const;

export type KafkaSettings = { readonly [Name in keyof typeof kafkaTable]: Value<(typeof kafkaTable)[Name]> };

type Name = keyof KafkaSettings;
const saslNames: Name[] = ['kafkaSaslMechanism', 'kafkaSaslUsername', 'kafkaSaslPassword', 'kafkaSaslPasswordFile'];
const sslNames: Name[] = ['kafkaSslCaFile', 'kafkaSslCertFile', 'kafkaSslKeyFile', 'kafkaSslKeyPassword'];

/**
 * Settings that do not fit together, a line for each. A setting without effect is a mistake: the user meant something
 * else.
 */
export function kafkaMistakes(settings: KafkaSettings): string[] {
  const { bootstrapServers, kafkaSecurityProtocol: protocol } = settings;
  const isSet = (name: Name): boolean => settings[name] !== undefined;
  const called = (name: Name): string => kafkaTable[name].variable;
  if (!bootstrapServers && (protocol !== 'PLAINTEXT' || [...saslNames, ...sslNames].some(isSet)))
    return [
      'MILEPOST_BOOTSTRAP_SERVERS: expected host:port, as MILEPOST_KAFKA_SECURITY_PROTOCOL, _SASL_* and _SSL_* are for the ' +
        'Kafka that it names; got none (with our own broker they are not needed)',
    ];
  const idle = (names: readonly Name[], wanted: string): string[] =>
    names
      .filter(isSet)
      .map((name) => `${called(name)}: is for ${wanted}, and MILEPOST_KAFKA_SECURITY_PROTOCOL is ${protocol}`);
  return [
    ...(protocol.startsWith('SASL_') ? incompleteSasl(settings) : idle(saslNames, 'SASL_PLAINTEXT and SASL_SSL')),
    ...(protocol.endsWith('SSL') ? incompleteSsl(settings) : idle(sslNames, 'SSL and SASL_SSL')),
  ];
}

function incompleteSasl(settings: KafkaSettings): string[] {
  const { kafkaSaslPassword, kafkaSaslPasswordFile, kafkaSecurityProtocol } = settings;
  const wanted = (['kafkaSaslMechanism', 'kafkaSaslUsername'] as const).filter((name) => settings[name] === undefined);
  const lines = wanted.map((name) => {
    const { expected, variable } = kafkaTable[name];
    return `${variable}: expected ${expected}, as MILEPOST_KAFKA_SECURITY_PROTOCOL is ${kafkaSecurityProtocol}; got none`;
  });
  if ((kafkaSaslPassword === undefined) === (kafkaSaslPasswordFile === undefined))
    lines.push(
      'MILEPOST_KAFKA_SASL_PASSWORD: expected it or MILEPOST_KAFKA_SASL_PASSWORD_FILE, ' +
        `got ${kafkaSaslPassword === undefined ? 'neither' : 'both'}`,
    );
  return lines;
}

const incompleteSsl = ({ kafkaSslCertFile, kafkaSslKeyFile }: KafkaSettings): string[] =>
  (kafkaSslCertFile === undefined) === (kafkaSslKeyFile === undefined)
    ? []
    : ['MILEPOST_KAFKA_SSL_CERT_FILE and MILEPOST_KAFKA_SSL_KEY_FILE: expected both or neither, got one'];
