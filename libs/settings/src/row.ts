// One row of the table of settings, and the value types that several rows share.
import { z } from 'zod';

/** `expected` completes the sentence "expected …" when a value is refused. */
export interface Setting<Schema extends z.ZodType> {
  readonly variable: string;
  /** The same setting under Kafka's name, if there is one: different values are refused. */
  readonly kafkaVariables?: readonly string[];
  /** A value under Kafka's name that is for the broker's properties alone. */
  readonly isKafkaAlone?: (value: string) => boolean;
  readonly schema: Schema;
  readonly expected: string;
  /** The default, as written in the environment; undefined: unset. */
  readonly fallback?: string;
  readonly meaning: string;
  /** Never printed: not when it is refused, and not by `milepost config`. */
  readonly isSecret?: true;
}

export const setting = <Row extends Setting<z.ZodType>>(row: Row): Row => row;
export const text = z.string().min(1);
export const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
export const port = z
  .string()
  .regex(/^\d{1,5}$/)
  .transform(Number)
  .pipe(z.number().max(65_535));
export const portOrOff = z.union([z.literal('off').transform(() => undefined), port]);
export const aPort = 'a port from 0 to 65535 (0: any free port)';

export type Value<Row> = Row extends { schema: infer Schema extends z.ZodType; fallback: string }
  ? z.output<Schema>
  : Row extends { schema: infer Schema extends z.ZodType }
    ? z.output<Schema> | undefined
    : never;
