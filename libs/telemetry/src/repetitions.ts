// Log lines that repeat are counted instead of written: a full disk refuses thousands of records, each for the same
// reason.
//
// Promises: the first line of its kind is written immediately. Equal ones within PERIOD_MS of it are counted, and
// logged as one line with the last one's fields when the period is over. Lines are equal by level, message and those
// fields that are texts, because these identify the subject of a line; numbers (offsets, durations) do not count.
// Never holds more than MOST_KINDS lines: beyond that all lines are written.
import type { Cancel, Clock, Logger } from '@milepost/core';

export const PERIOD_MS = 10_000;
const MOST_KINDS = 1_000;

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
type Level = (typeof LEVELS)[number];

interface Kind {
  readonly level: Level;
  readonly message: string;
  repetitions: number;
  fields: object;
  readonly cancel: Cancel;
}

type LevelledLogger = Logger & { level: string };

export class RepetitionLogger implements Logger {
  readonly #logger: LevelledLogger;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: LevelledLogger, clock: Pick<Clock, 'after'>) {
    this.#logger = logger;
    this.#clock = clock;
  }

  get level(): string {
    return this.#logger.level;
  }
  set level(level: string) {
    this.#logger.level = level;
  }

  /** For debugging every line is written. */
  debug(fields: object, message: string): void {
    this.#logger.debug(fields, message);
  }
  info(fields: object, message: string): void {
    this.#write('info', fields, message);
  }
  warn(fields: object, message: string): void {
    this.#write('warn', fields, message);
  }
  error(fields: object, message: string): void {
    this.#write('error', fields, message);
  }

  /** Logs the counted repetitions now: the program ends. */
  flush(): void {
    for (const [key, kind] of this.#kinds) {
      kind.cancel();
      this.#end(key, kind);
    }
  }

  #write(level: Level, fields: object, message: string): void {
    const key = `${level} ${message}${textsOf(fields)}`;
    const kind = this.#kinds.get(key);
    if (kind) {
      kind.repetitions++;
      kind.fields = fields;
      return;
    }
    this.#logger[level](fields, message);
    if (this.#kinds.size < MOST_KINDS) this.#watch(key, level, message);
  }

  #watch(key: string, level: Level, message: string): void {
    const cancel = this.#clock.after(PERIOD_MS, () => {
      if (this.#end(key, kind)) this.#watch(key, level, message); // the repetition continues: the next ones are counted too
    });
    const kind: Kind = { level, message, repetitions: 0, fields: {}, cancel };
    this.#kinds.set(key, kind);
  }

  /** Whether there was a repetition. */
  #end(key: string, { level, message, repetitions, fields }: Kind): boolean {
    this.#kinds.delete(key);
    if (repetitions === 0) return false;
    this.#logger[level]({ ...fields, repetitions }, `${message} (repeated ${times(repetitions)})`);
    return true;
  }
}

const textsOf = (fields: object): string =>
  Object.entries(fields)
    .map(([name, value]) => (typeof value === 'string' ? ` ${name}=${value}` : ''))
    .join('');

const times = (repetitions: number): string => (repetitions === 1 ? 'once' : `${repetitions} times`);
