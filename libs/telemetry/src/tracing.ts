// Traces, by OpenTelemetry. When off they cost nothing (its SDK is not even loaded, records are unchanged). When on
// they follow a sampled position from its PUBLISH through the log to its consumers. An endpoint that is away costs
// spans, never a position: one log line reports it, and one its return.
import type { Logger } from '@milepost/core';
import { context, type Context, propagation, ROOT_CONTEXT, type Span, SpanStatusCode, trace } from '@opentelemetry/api';
import { readTracingSettings } from './tracing-settings.ts';

export interface TracingOptions {
  /** The program; `service.name` is milepost-<name> unless OTEL_SERVICE_NAME is set. */
  readonly name: string;
  readonly version: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Sends the remaining spans. */
export type StopTracing = () => Promise<void>;

let on = false;

/** Whether traces are on. */
export const isTracing = (): boolean => on;

export async function startTracing({ name, version, env, logger }: TracingOptions): Promise<StopTracing> {
  const settings = readTracingSettings(env, (line) => logger.warn({}, line));
  if (!settings) return async () => {};
  const { installSdk } = await import('./tracing-sdk.ts');
  const stop = await installSdk({ settings, name, version, logger });
  on = true;
  const { endpoint, exporter, ratio, sampler } = settings;
  logger.info({ exporter, sampler, ratio, endpoint }, 'traces are on');
  return async () => {
    on = false;
    await stop();
  };
}

export const tracer = () => trace.getTracer('milepost');

/** The trace context in a record's or a request's headers. */
export function contextFrom(headers: ReadonlyMap<string, Buffer>): Context {
  return propagation.extract(ROOT_CONTEXT, headers, {
    keys: (carrier) => [...carrier.keys()],
    get: (carrier, key) => carrier.get(key)?.toString(),
  });
}

/** The trace headers for a record or a request: W3C's traceparent, or nothing. */
export function headersOf(active: Context = context.active()): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(active, headers);
  return headers;
}

export const isSampled = (within: Context): boolean => ((trace.getSpanContext(within)?.traceFlags ?? 0) & 1) === 1;

export function failSpan(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
  span.setStatus({ code: SpanStatusCode.ERROR, message });
}

/** Runs inside the span and ends it, failed or not. */
export async function within<Result>(span: Span, parent: Context, run: () => Promise<Result>): Promise<Result> {
  try {
    return await context.with(trace.setSpan(parent, span), run);
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}
