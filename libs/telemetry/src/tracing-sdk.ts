// OpenTelemetry's SDK, assembled. Loaded only when traces are on.
import type { Logger } from '@milepost/core';
import { context, type Link, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { type ExportResult, W3CTraceContextPropagator } from '@opentelemetry/core';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { TracingSettings } from './tracing-settings.ts';

/** How long a stop waits for an endpoint to accept the last spans. */
const FAREWELL_MS = 2_000;

export interface SdkOptions {
  readonly settings: TracingSettings;
  readonly name: string;
  readonly version: string;
  readonly logger: Logger;
}

export async function installSdk({ settings, name, version, logger }: SdkOptions): Promise<() => Promise<void>> {
  const service = resourceFromAttributes({ 'service.name': `milepost-${name}`, 'service.version': version });
  const resource = defaultResource()
    .merge(service)
    .merge(detectResources({ detectors: [envDetector] })); // OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
  const exporter = new PatientExporter(await exporterOf(settings), settings.endpoint, logger);
  const provider = new TracerProvider({
    resource,
    sampler: samplerOf(settings),
    spanProcessors: [new BatchSpanProcessor({ exporter, ...settings.batch })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return async () => {
    const late = new Promise<void>((resolve) => void setTimeout(resolve, FAREWELL_MS).unref());
    await Promise.race([provider.shutdown().catch(() => {}), late]);
    trace.disable();
    propagation.disable();
    context.disable();
  };
}

async function exporterOf({ exporter, protocol }: TracingSettings): Promise<SpanExporter> {
  if (exporter === 'console') return new ConsoleSpanExporter();
  const { OTLPTraceExporter } = await (protocol === 'http/json'
    ? import('@opentelemetry/exporter-trace-otlp-http')
    : import('@opentelemetry/exporter-trace-otlp-proto'));
  return new OTLPTraceExporter();
}

function samplerOf({ ratio, sampler }: TracingSettings): Sampler {
  const kind = sampler.replace('parentbased_', '');
  const plain =
    kind === 'always_on'
      ? new AlwaysOnSampler()
      : kind === 'always_off'
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio);
  return sampler.startsWith('parentbased_') ? new ParentBasedSampler({ root: new LinkedSampler(plain) }) : plain;
}

/** A batch with a sampled record is sampled too. */
class LinkedSampler implements Sampler {
  readonly #otherwise: Sampler;
  constructor(otherwise: Sampler) {
    this.#otherwise = otherwise;
  }
  shouldSample(...asked: Parameters<Sampler['shouldSample']>): ReturnType<Sampler['shouldSample']> {
    const links: readonly Link[] = asked[5];
    if (links.some(({ context: { traceFlags } }) => (traceFlags & 1) === 1))
      return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    return this.#otherwise.shouldSample(...asked);
  }
  toString(): string {
    return `Linked{${this.#otherwise.toString()}}`;
  }
}

/** Logs one line when spans no longer arrive, and one when they do again. */
class PatientExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #endpoint: string;
  readonly #logger: Logger;
  #lost = 0;

  constructor(exporter: SpanExporter, endpoint: string, logger: Logger) {
    this.#exporter = exporter;
    this.#endpoint = endpoint;
    this.#logger = logger;
  }

  export(spans: Parameters<SpanExporter['export']>[0], done: (result: ExportResult) => void): void {
    this.#exporter.export(spans, (result) => {
      if (result.error) this.#failed(spans.length, result.error);
      else if (this.#lost > 0) this.#recovered();
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }

  #failed(spans: number, error: Error): void {
    if (this.#lost === 0)
      this.#logger.warn(
        { endpoint: this.#endpoint, reason: reasonOf(error) },
        `traces do not arrive at ${this.#endpoint} (${reasonOf(error)}); positions are not affected`,
      );
    this.#lost += spans;
  }

  #recovered(): void {
    this.#logger.info({ endpoint: this.#endpoint, lostSpans: this.#lost }, 'traces arrive again');
    this.#lost = 0;
  }
}

/** The client wraps the system's reason. */
function reasonOf(error: Error): string {
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return error.cause instanceof Error ? reasonOf(error.cause) : error.message;
}
