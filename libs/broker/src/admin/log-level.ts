// The level of this broker's log, described and changed under Kafka's names (KIP-412). There is one logger, `root`. A change
// lasts until the program ends, as in Kafka.
import { type BrokerId, ErrorCode, type Logger } from '@milepost/core';
import { type ConfigEntry, ConfigSource } from '@milepost/metadata';
import { ConfigOperation } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';

const LEVELS: readonly string[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const ROOT = 'root';

export class LogLevel {
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get name(): string {
    return (this.#logger.level ?? 'off').toUpperCase();
  }
  set name(level: string) {
    this.#logger.level = level.toLowerCase();
  }

  entries(): ConfigEntry[] {
    return [
      {
        name: ROOT,
        value: this.name,
        type: 'STRING',
        source: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
        readOnly: false,
        synonyms: [],
        documentation: 'The least severe line that is written.',
      },
    ];
  }
}

export interface LoggerWish {
  readonly resourceName: string;
  readonly configs: readonly {
    readonly name: string;
    readonly configOperation: number;
    readonly value: string | null;
  }[];
}

export function decideLogLevel(
  { resourceName, configs }: LoggerWish,
  { brokerId, logLevel }: { readonly brokerId: BrokerId; readonly logLevel: LogLevel },
): { readonly run: () => void } | Refusal {
  if (resourceName !== String(brokerId))
    return refusal(ErrorCode.INVALID_REQUEST, `broker ${resourceName}: this is ${brokerId}`);
  for (const { name, configOperation, value } of configs) {
    if (configOperation !== ConfigOperation.SET && configOperation !== ConfigOperation.DELETE)
      return refusal(ErrorCode.INVALID_REQUEST, `${name}: a level is set or deleted, it is no list`);
    if (name !== ROOT) return refusal(ErrorCode.INVALID_CONFIG, `logger ${name}: there is one, ${ROOT}`);
    if (configOperation === ConfigOperation.DELETE)
      return refusal(ErrorCode.INVALID_REQUEST, `the level of ${ROOT} cannot be deleted`);
    if (!LEVELS.includes(value ?? ''))
      return refusal(ErrorCode.INVALID_CONFIG, `${name}: expected one of ${LEVELS.join(', ')}, seen ${value}`);
  }
  return {
    run: () => {
      for (const { value } of configs) logLevel.name = value ?? '';
    },
  };
}
