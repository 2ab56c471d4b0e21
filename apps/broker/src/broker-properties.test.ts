import { brokersOf, clusterDefaults, withSecretsOfFiles } from './broker-properties.ts';

const asked = (...options: string[]): number => brokersOf(['node', 'main.ts', 'up', ...options]);

test.each([
  [[], 1],
  [['--brokers', '3'], 3],
  [['--brokers=5', '--config', 'server.properties'], 5],
])('%j asks for %i brokers', (options, brokers) => {
  expect(asked(...options)).toBe(brokers);
});

test.each(['0', '6', '10', '-1', '2.5', 'three', ''])('"%s" brokers are refused in one line', (number) => {
  expect(() => asked(`--brokers=${number}`)).toThrow(`--brokers: expected a whole number from 1 to 5, got "${number}"`);
});

test('three brokers keep three replicas and need two for acks=all; one broker has Kafka’s defaults', () => {
  const of = (brokers: number) => Object.values(clusterDefaults(brokers));
  expect([1, 2, 3, 5].map(of)).toEqual([[], ['2', '1'], ['3', '2'], ['3', '2']]);
});

test('a secret property can come from a file, and no other', () => {
  const others = { KAFKA_NUM_PARTITIONS_FILE: '/secrets/key', PATH: '/bin' };
  const environment = { KAFKA_DELEGATION_TOKEN_SECRET_KEY_FILE: '/secrets/key', ...others };
  const read = (variable: string, path: string | undefined) => `${variable} in ${path}`;
  expect(withSecretsOfFiles(environment, read)).toEqual({
    KAFKA_DELEGATION_TOKEN_SECRET_KEY: 'KAFKA_DELEGATION_TOKEN_SECRET_KEY_FILE in /secrets/key',
    ...others,
  });
});
