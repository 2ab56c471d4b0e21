// A consumer's batches in traces: each sampled record gets a `process` span in its own trace; the wait for its batch
// (`poll`) and the next commit are separate spans, linked to it.
import { context, type Context, type Link, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { contextFrom, failSpan, isSampled, isTracing, tracer, within } from './tracing.ts';

export interface TracedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly headers: ReadonlyMap<string, Buffer>;
}

/** Links of one span; OpenTelemetry's own limit. */
const MOST_LINKS = 128;
const TRACEPARENT = 'traceparent';

/** Undefined if traces are off: then no header is read. */
export const batchTracer = (groupId: string): BatchTracer | undefined =>
  isTracing() ? new BatchTracer(groupId) : undefined;

/** The trace context of a record that is being handled, or was; undefined if it has none. */
export const contextOf = (record: object): Context | undefined => contexts.get(record);
const contexts = new WeakMap<object, Context>();

export class BatchTracer {
  readonly #group: Record<string, string>;
  #waitingSince = Date.now();
  #uncommitted: Link[] = [];
  #topics = new Set<string>();

  constructor(groupId: string) {
    this.#group = { 'messaging.system': 'kafka', 'messaging.consumer.group.name': groupId };
  }

  async process(records: readonly TracedRecord[], handle: () => Promise<void>): Promise<void> {
    const sampled = records.flatMap((record) => {
      const headers = record.headers;
      if (!headers.has(TRACEPARENT)) return [];
      const parent = contextFrom(headers);
      return isSampled(parent) ? [{ record, parent }] : [];
    });
    try {
      if (sampled.length === 0) await handle();
      else await this.#processSampled(records, sampled, handle);
    } finally {
      this.#waitingSince = Date.now();
    }
  }

  async commit(commit: () => Promise<void>): Promise<void> {
    const links = this.#uncommitted;
    if (links.length === 0) return commit();
    const [topic, ...others] = this.#topics;
    this.#uncommitted = [];
    this.#topics = new Set();
    const one = others.length === 0 && topic !== undefined ? topic : undefined; // a span's name has one topic, or none
    const destination = one === undefined ? {} : { 'messaging.destination.name': one };
    const attributes = { ...this.#group, ...operation('commit', 'settle'), ...destination };
    const span = tracer().startSpan(
      one === undefined ? 'commit' : `commit ${one}`,
      { kind: SpanKind.CLIENT, attributes, links },
      ROOT_CONTEXT,
    );
    await within(span, ROOT_CONTEXT, commit);
  }

  async #processSampled(
    records: readonly TracedRecord[],
    sampled: readonly { readonly record: TracedRecord; readonly parent: Context }[],
    handle: () => Promise<void>,
  ): Promise<void> {
    const links = sampled.slice(0, MOST_LINKS).flatMap(({ parent }) => linkTo(parent));
    this.#polled(records, links);
    const spans = sampled.map(({ record, parent }) => {
      const { topic, partition, offset } = record;
      const attributes = {
        ...this.#group,
        ...operation('process', 'process'),
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': offset,
      };
      const span = tracer().startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, parent);
      contexts.set(record, trace.setSpan(parent, span));
      this.#topics.add(topic);
      return span;
    });
    this.#uncommitted = [...this.#uncommitted, ...spans.map((span) => ({ context: span.spanContext() }))].slice(
      -MOST_LINKS,
    );
    try {
      const [first] = sampled;
      await context.with((first && contexts.get(first.record)) ?? ROOT_CONTEXT, handle);
    } catch (error) {
      for (const span of spans) failSpan(span, error);
      throw error;
    } finally {
      for (const span of spans) span.end();
    }
  }

  #polled(records: readonly TracedRecord[], links: Link[]): void {
    const topic = [...new Set(records.map((record) => record.topic))].join(',');
    const attributes = {
      ...this.#group,
      ...operation('poll', 'receive'),
      'messaging.destination.name': topic,
      'messaging.batch.message_count': records.length,
    };
    tracer()
      .startSpan(
        `poll ${topic}`,
        { kind: SpanKind.CLIENT, attributes, links, startTime: this.#waitingSince },
        ROOT_CONTEXT,
      )
      .end();
  }
}

const operation = (name: string, type: string): Record<string, string> => ({
  'messaging.operation.name': name,
  'messaging.operation.type': type,
});

function linkTo(parent: Context): Link[] {
  const spanContext = trace.getSpanContext(parent);
  return spanContext ? [{ context: spanContext }] : [];
}
