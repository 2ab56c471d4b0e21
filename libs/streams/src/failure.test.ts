// The messages for users about a Kafka that cannot be used.
import { kafkaFailure } from './failure.ts';

const kafka = { bootstrapServers: ['kafka:9093'] };
const wrapped = (message: string, properties: object): Error =>
  new Error('Listing topics failed.', {
    cause: new AggregateError([Object.assign(new Error(message), properties)], 'all attempts failed'),
  });

test.each([
  ['a refused connection', 'connect ECONNREFUSED 10.0.0.1:9093', { code: 'ECONNREFUSED' }, 'is it running', true],
  ['a name that is not known yet', 'getaddrinfo EAI_AGAIN kafka', { code: 'EAI_AGAIN' }, 'is it running', true],
  ['a wrong password', 'no', { apiId: 'SASL_AUTHENTICATION_FAILED' }, 'MILEPOST_KAFKA_SASL_USERNAME', false],
  [
    'a mechanism that is not offered',
    'no',
    { apiId: 'UNSUPPORTED_SASL_MECHANISM' },
    'MILEPOST_KAFKA_SASL_MECHANISM',
    false,
  ],
  ['an unknown authority', 'no', { code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'MILEPOST_KAFKA_SSL_CA_FILE', false],
  ['another name', 'no', { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'advertised.listeners', false],
  ['a listener without TLS', 'no', { code: 'ERR_SSL_WRONG_VERSION_NUMBER' }, 'MILEPOST_KAFKA_SECURITY_PROTOCOL', false],
  ['a user who may not', 'no', { apiId: 'TOPIC_AUTHORIZATION_FAILED' }, 'deploy/README.md', false],
])('%s: where, why and the cure, in one line', (_, reason, properties, cure, isAway) => {
  const failure = kafkaFailure(kafka, wrapped(reason, properties));
  expect(failure.message).toContain(`Kafka at kafka:9093: ${reason}: `);
  expect(failure.message).toContain(cure);
  expect(failure.message).not.toContain('\n');
  expect(failure.isAway).toBe(isAway);
});
