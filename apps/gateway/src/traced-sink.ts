// Continues a position's trace that a device has begun (MQTT 5), or begins one: a span from PUBLISH to PUBACK, within
// it the send to the log, and the record carries the trace to its consumers. Only sampled publishes cost anything.
import type { IntakeRecord, RecordSink, StoredAhead } from '@milepost/ingress';
import { matchRoute, type Route } from '@milepost/routes';
import { contextFrom, failSpan, headersOf, tracer } from '@milepost/telemetry';
import { type Context, ROOT_CONTEXT, type Span, SpanKind, trace } from '@opentelemetry/api';

interface Publish {
  readonly received: Span;
  readonly inTrace: Context;
}

interface Sending {
  readonly record: IntakeRecord;
  readonly publish: Publish;
  readonly span: Span;
}

export class TracedSink implements RecordSink {
  readonly #sink: RecordSink;
  #routes: readonly Route[];
  /** Publishes whose record was sent and not accepted yet: it is sent again. */
  readonly #retried = new WeakMap<IntakeRecord, Publish>();

  constructor(sink: RecordSink, routes: readonly Route[]) {
    this.#sink = sink;
    this.#routes = routes;
  }

  reroute(routes: readonly Route[]): void {
    this.#routes = routes;
  }

  partitionOf(topic: string, key: Buffer): number {
    return this.#sink.partitionOf(topic, key);
  }

  async send(records: readonly IntakeRecord[], storedAhead?: StoredAhead): Promise<void> {
    let sendings: Sending[] = [];
    const traced = records.map((record) => {
      const publish = this.#retried.get(record) ?? this.#publishOf(record);
      if (!publish) return record;
      const span = sendSpan(record, publish.inTrace);
      sendings.push({ record, publish, span });
      return withTrace(record, trace.setSpan(publish.inTrace, span));
    });
    try {
      await this.#sink.send(traced, (topic, partition) => {
        const isStored = ({ record }: Sending): boolean => record.topic === topic && record.partition === partition;
        end(sendings.filter(isStored));
        sendings = sendings.filter((one) => !isStored(one));
        storedAhead?.(topic, partition);
      });
      end(sendings);
    } catch (error) {
      for (const { record, publish, span } of sendings) {
        failSpan(span, error);
        span.end();
        this.#retried.set(record, publish);
      }
      throw error;
    }
  }

  /** Undefined if it is not sampled, or a record of the gateway itself. */
  #publishOf({ headers, key, timestamp }: IntakeRecord): Publish | undefined {
    const mqttTopic = headers.get('mqtt.topic');
    if (!mqttTopic) return undefined;
    const parent = headers.has('traceparent') ? contextFrom(headers) : ROOT_CONTEXT;
    const received = tracer().startSpan('process mqtt', { kind: SpanKind.CONSUMER, startTime: timestamp }, parent);
    if (!received.isRecording()) return undefined;
    const match = matchRoute(this.#routes, mqttTopic.toString());
    const template = match.kind === 'route' ? match.route.filter : '(no route)';
    received.updateName(`process ${template}`);
    received.setAttributes({
      'messaging.system': 'mqtt',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.template': template,
      'messaging.client.id': headers.get('mqtt.client')?.toString() ?? '',
      'milepost.truck.id': key?.toString() ?? '',
    });
    return { received, inTrace: trace.setSpan(parent, received) };
  }
}

function end(sendings: readonly Sending[]): void {
  for (const { publish, span } of sendings) {
    span.end();
    publish.received.end();
  }
}

function sendSpan({ topic, partition }: IntakeRecord, parent: Context): Span {
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
  };
  return tracer().startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER, attributes }, parent);
}

function withTrace(record: IntakeRecord, within: Context): IntakeRecord {
  const headers = new Map(record.headers);
  for (const [name, value] of Object.entries(headersOf(within))) headers.set(name, Buffer.from(value));
  return { ...record, headers };
}
