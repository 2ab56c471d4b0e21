// Log lines go to standard error, so that standard output holds only results (the ready line, a command's output).
import type { Logger } from '@milepost/core';
import { context, trace } from '@opentelemetry/api';
import { pino } from 'pino';
import pretty from 'pino-pretty';

export interface LoggerOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly format: 'auto' | 'json' | 'pretty';
  /** The program's name, on each JSON line. */
  readonly name: string;
}

const STDERR = 2;

export function createLogger({ level, format, name }: LoggerOptions): Logger & { level: string } {
  const human = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  if (!human)
    return pino(
      {
        name,
        level,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
        mixin: traceOfLine,
      },
      pino.destination({ fd: STDERR, sync: true }),
    );
  return pino(
    { level },
    pretty({
      destination: STDERR,
      sync: true,
      ignore: 'pid,hostname',
      translateTime: 'SYS:HH:MM:ss',
      singleLine: true,
    }),
  );
}

/** A line that is written inside a span has its trace id. */
function traceOfLine(): object {
  const span = trace.getSpanContext(context.active());
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
