// Broker properties under Kafka's own names: from KAFKA_* variables, and from the file of `--config server.properties`.
// With `--brokers N` a cluster of N brokers has other defaults than a broker alone (decision 0047).
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Logger } from '@milepost/core';
import { BROKER_CONFIG_KEYS, type Configs, propertyOfVariable, readStaticConfig } from '@milepost/metadata';

/** All connections of as many programs fit into the embedded PostgreSQL. */
const MOST_BROKERS = 5;
const MOST_REPLICAS = 3;

/** Of a file that a variable names: one line. @throws Error in one line */
type ReadSecret = (variable: string, path: string | undefined) => string | undefined;

/** @throws Error with a line for each bad value. */
export function brokerProperties(logger: Logger, readSecret: ReadSecret): Configs {
  const file = option('config');
  const { values, warnings, errors } = readStaticConfig({
    environment: withSecretsOfFiles(process.env, readSecret),
    ...(file === undefined ? {} : { properties: textOf(file) }),
  });
  if (errors.length > 0) throw new Error(errors.join('\n'));
  for (const warning of warnings) logger.warn({}, warning);
  return { ...clusterDefaults(brokersOf(process.argv)), ...values };
}

const FILE = '_FILE';
type Environment = Readonly<Record<string, string | undefined>>;

/** `KAFKA_SSL_KEY_PASSWORD_FILE` names a file with the value of a secret property. */
export function withSecretsOfFiles(environment: Environment, readSecret: ReadSecret): Environment {
  const secrets = Object.entries(environment).flatMap(([variable, path]) => {
    const own = variable.endsWith(FILE) ? variable.slice(0, -FILE.length) : '';
    const property = BROKER_CONFIG_KEYS.get(propertyOfVariable(own) ?? '');
    if (property?.type !== 'PASSWORD') return [];
    return [
      [own, readSecret(variable, path)],
      [variable, undefined],
    ] as const;
  });
  return { ...environment, ...Object.fromEntries(secrets) };
}

/** Replicas of topics whose creator asks for the default, and how many of them acks=all needs. */
export function clusterDefaults(brokers: number): Configs {
  if (brokers === 1) return {};
  const replicas = Math.min(brokers, MOST_REPLICAS);
  return { 'default.replication.factor': String(replicas), 'min.insync.replicas': String(Math.max(1, replicas - 1)) };
}

/** `--brokers N` of the command line; 1 without it. @throws Error naming what was expected. */
export function brokersOf(argv: readonly string[]): number {
  const seen = option('brokers', argv);
  if (seen === undefined) return 1;
  if (/^[1-9]$/.test(seen) && Number(seen) <= MOST_BROKERS) return Number(seen);
  throw new Error(`--brokers: expected a whole number from 1 to ${MOST_BROKERS}, got "${seen}"`);
}

/** For another broker with the same properties. */
export function configFileOptions(): string[] {
  const file = option('config');
  return file === undefined ? [] : ['--config', file];
}

function option(name: 'brokers' | 'config', argv: readonly string[] = process.argv): string | undefined {
  const options = { brokers: { type: 'string' }, config: { type: 'string' } } as const;
  return parseArgs({ args: argv.slice(2), options, strict: false }).values[name] as string | undefined;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(
      `--config ${file}: expected a file of broker properties (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}
