// Broker properties under Kafka's own names: from KAFKA_* variables, and from the file of `--config server.properties`.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Logger } from '@milepost/core';
import { type Configs, readStaticConfig } from '@milepost/metadata';

/** @throws Error with a line for each bad value. */
export function brokerProperties(logger: Logger): Configs {
  const file = configFile();
  const { values, warnings, errors } = readStaticConfig({
    environment: process.env,
    ...(file === undefined ? {} : { properties: textOf(file) }),
  });
  if (errors.length > 0) throw new Error(errors.join('\n'));
  for (const warning of warnings) logger.warn({}, warning);
  return values;
}

function configFile(): string | undefined {
  const options = { config: { type: 'string' } } as const;
  return parseArgs({ args: process.argv.slice(2), options, strict: false }).values.config as string | undefined;
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
