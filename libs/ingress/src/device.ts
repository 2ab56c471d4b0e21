// One connection as the intake sees it, and one publish of it on its way into the log.
import type { ClockVerdict, Marks } from '@milepost/fleet';
import type { Match } from '@milepost/routes';
import { AckQueue, type AckSlot } from './ack-queue.ts';
import type { DeadLetterReason } from './dead-letter.ts';
import type { MqttClient, MqttPublish, TraceHeaders } from './engine.ts';
import type { IntakeRecord } from './record.ts';
import type { Queued } from './sender.ts';

/** The approximate size of a record beside its key and value. */
const RECORD_OVERHEAD_BYTES = 200;

export type Destination =
  | (Extract<Match, { kind: 'route' }> & { readonly topic: string; readonly key: Buffer; readonly partition: number })
  | Exclude<Match, { kind: 'route' }>;

export class Device {
  readonly client: MqttClient;
  readonly acks = new AckQueue();
  pendingMessages = 0;
  pendingBytes = 0;
  /** The partition with too many pending bytes for this device to be read. */
  heldUpBy: Pick<IntakeRecord, 'topic' | 'partition'> | undefined;
  /** Closed, or being closed: nothing more is sent to it. */
  gone = false;
  /** Headers of its last record: nearly all records of a device have the same ones. */
  lastHeaders:
    | {
        readonly topic: string;
        readonly destination: Destination | undefined;
        readonly flags: number;
        readonly headers: ReadonlyMap<string, Buffer>;
      }
    | undefined;

  constructor(client: MqttClient) {
    this.client = client;
  }

  /** Sends everything that is due, in the order of the publishes, in one piece. */
  acknowledge(): void {
    const due = this.acks.takeDue();
    if (due.length > 0 && !this.gone) this.client.acknowledge(due);
  }
}

/** One pending publish: a record, or several (positions of a batch, parts of a large dead letter) in any partitions. */
export interface Publish {
  /** As the device sent it: the content of a dead letter. */
  readonly payload: Buffer;
  /** Records that are not in the log yet; at zero it is acknowledged. */
  left: number;
  /** One of its records will never be in the log: it is not acknowledged, whatever happens to the others. */
  isLost: boolean;
  /** The last of its records: it carries the acknowledgement, and decides how the publish is counted. */
  last: Message | undefined;
}

export class Message implements Queued {
  record: IntakeRecord;
  sizeBytes: number;
  readonly since: number;
  /** Undefined for a record of the gateway itself. */
  readonly device: Device | undefined;
  /** How it is counted once it is in the log. */
  fate: 'appended' | DeadLetterReason;
  /** The publish that it belongs to; undefined for a record of the gateway itself. */
  readonly publish: Publish | undefined;
  ack: AckSlot | undefined;
  /** Repetitions of a QoS 2 message: acknowledged together with it. */
  followers: { readonly device: Device; readonly ack: AckSlot }[] | undefined;

  constructor(
    record: IntakeRecord,
    device: Device | undefined,
    since: number,
    fate: Message['fate'],
    publish?: Publish,
  ) {
    this.record = record;
    this.device = device;
    this.since = since;
    this.fate = fate;
    this.publish = publish;
    this.sizeBytes = sizeOf(record);
  }

  /** Replaces the record of the same publish. */
  become(record: IntakeRecord, fate: Message['fate']): void {
    this.record = record;
    this.fate = fate;
    this.sizeBytes = sizeOf(record);
  }
}

function sizeOf({ key, value }: IntakeRecord): number {
  return value.length + (key?.length ?? 0) + RECORD_OVERHEAD_BYTES;
}

/** Where a record came from. */
export function originHeaders(
  device: Device,
  { topic, qos, retain, dup, trace }: MqttPublish,
  destination: Extract<Destination, { kind: 'route' }> | undefined,
  clock: ClockVerdict,
  marks?: Marks,
): ReadonlyMap<string, Buffer> {
  const clockFlag = clock === 'plausible' ? 0 : clock === 'implausible' ? 16 : 32;
  const flags = qos | (retain ? 4 : 0) | (dup ? 8 : 0) | clockFlag;
  const last = device.lastHeaders;
  if (last && last.topic === topic && last.flags === flags && last.destination === destination)
    return withTrace(withMarks(last.headers, marks), trace);
  const headers = new Map<string, Buffer>([
    ['mqtt.topic', Buffer.from(topic)],
    ['mqtt.client', Buffer.from(device.client.id)],
    ['mqtt.qos', Buffer.from(String(qos))],
  ]);
  if (retain) headers.set('mqtt.retain', Buffer.from('true'));
  if (dup) headers.set('mqtt.dup', Buffer.from('true'));
  if (destination?.original !== undefined) headers.set('device', Buffer.from(destination.original));
  if (device.client.rights) headers.set('principal', device.client.rights.principal);
  if (clock !== 'plausible') headers.set('clock', Buffer.from(clock));
  for (const [name, value] of destination?.headers ?? []) headers.set(name, value);
  device.lastHeaders = { topic, destination, flags, headers };
  return withTrace(withMarks(headers, marks), trace);
}

/** The decoder's remarks about one position: `dropped`, `fix`, `device`. */
function withMarks(headers: ReadonlyMap<string, Buffer>, marks: Marks | undefined): ReadonlyMap<string, Buffer> {
  if (!marks) return headers;
  const marked = new Map(headers);
  for (const [name, text] of Object.entries(marks)) marked.set(name, Buffer.from(text));
  return marked;
}

/** Each publish has its own trace, so its headers belong to no other record. */
function withTrace(headers: ReadonlyMap<string, Buffer>, trace: TraceHeaders | undefined): ReadonlyMap<string, Buffer> {
  if (!trace) return headers;
  const traced = new Map(headers).set('traceparent', Buffer.from(trace.traceparent));
  return trace.tracestate === undefined ? traced : traced.set('tracestate', Buffer.from(trace.tracestate));
}
