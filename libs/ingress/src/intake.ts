// The intake: from a PUBLISH to its acknowledgement. Every publish is routed, decoded, turned into a record (or a dead
// letter) and passed to the sender. It is acknowledged when the log has it on disk, and everything that its device sent
// before is acknowledged. The intake never acknowledges earlier, never out of order, never ends a connection because of
// a payload, and never holds more than its named limits: beyond them it pauses the device that is sending.
import type { Clock, Logger, Meter } from '@milepost/core';
import {
  type Decoded,
  type DecodedItem,
  encodePosition,
  encodeStatus,
  isoTime,
  type Position,
  type TruckStatus,
} from '@milepost/fleet';
import { matchRoute, type Route } from '@milepost/routes';
import { Accounting, type Totals } from './accounting.ts';
import { DEAD_LETTERS_TOPIC, deadLetter, type DeadLetterReason } from './dead-letter.ts';
import { Device, Message, type Destination, originHeaders, type Publish } from './device.ts';
import type { AckRemark, CloseReason, MqttClient, MqttEvents, MqttPublish } from './engine.ts';
import { ExactlyOnce, type ReleaseLedger } from './exactly-once.ts';
import { Presence } from './presence.ts';
import type { IntakeRecord, RecordSink } from './record.ts';
import { Sender, SENDER_LIMITS, type SenderLimits } from './sender.ts';

export const STATUS_TOPIC = 'truck_status';

export interface IntakeLimits extends SenderLimits {
  /** Publishes of one device that wait for the log; beyond this the device is paused, below half of it resumed. */
  readonly windowMessages: number;
  readonly windowBytes: number;
  /** Bytes of all devices together that wait for the log. */
  readonly pendingBytes: number;
  /**
   * Of them, those that wait for one partition: a partition that accepts nothing must not use up the room of the
   * others.
   */
  readonly partitionBytes: number;
}

export const INTAKE_LIMITS: IntakeLimits = {
  ...SENDER_LIMITS,
  windowMessages: 1000,
  windowBytes: 1024 * 1024,
  pendingBytes: 64 * 1024 * 1024,
  partitionBytes: 16 * 1024 * 1024,
};

/** Cached destinations of MQTT topics; emptied when full. */
const MAX_KNOWN_TOPICS = 50_000;
const COMPLAIN_EVERY_MS = 5000;

export interface IntakeOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly sink: RecordSink;
  readonly routes: readonly Route[];
  readonly limits?: Partial<IntakeLimits>;
  /** Absent: QoS 2 is exact until the gateway ends. */
  readonly ledger?: ReleaseLedger | undefined;
  /** Writes the value of a position; JSON by default. */
  readonly encode?: (position: Position) => Buffer;
}

export class Intake implements MqttEvents {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #sink: RecordSink;
  #routes: readonly Route[];
  readonly #limits: IntakeLimits;
  readonly #encode: (position: Position) => Buffer;
  readonly #sender: Sender<Message>;
  readonly #accounting: Accounting;
  readonly #devices = new Map<MqttClient, Device>();
  readonly #paused = new Set<Device>();
  readonly #destinations = new Map<string, Destination>();
  readonly #exactlyOnce: ExactlyOnce<Message>;
  readonly #presence = new Presence<Device>();
  #complainedAt = -Infinity;
  /** A device was paused because of the pending bytes of all devices. */
  #pressed = false;
  /** A device was paused because of the pending bytes of its partition. */
  #heldUp = false;
  #draining = false;

  constructor(options: IntakeOptions) {
    const { clock, logger, meter, sink, routes, limits, ledger, encode = encodePosition } = options;
    this.#exactlyOnce = new ExactlyOnce(ledger);
    this.#encode = encode;
    this.#clock = clock;
    this.#logger = logger;
    this.#sink = sink;
    this.#routes = routes;
    this.#limits = { ...INTAKE_LIMITS, ...limits };
    const events = {
      stored: (messages: readonly Message[]) => this.#stored(messages),
      failed: (error: Error) => this.#complain(error),
      refused: (message: Message, error: Error) => this.#refused(message, error),
      abandoned: (messages: readonly Message[]) => this.#abandoned(messages),
      stalled: (messages: readonly Message[]) => this.#stalled(messages),
    };
    this.#sender = new Sender(clock, sink, events, this.#limits);
    this.#accounting = new Accounting(meter, () => this.#inFlight());
  }

  totals(): Totals {
    return this.#accounting.totals();
  }

  /** The partition with the longest waiting publish; undefined: no publish waits. */
  longestWait(): { readonly topic: string; readonly partition: number; readonly waitMs: number } | undefined {
    const oldest = this.#sender.oldest();
    if (!oldest) return undefined;
    const { topic, partition } = oldest.record;
    return { topic, partition, waitMs: this.#clock.monotonic() - oldest.since };
  }

  /** Stops reading. Resolves when every received publish is acknowledged or given up. */
  async drain(): Promise<void> {
    this.#draining = true;
    for (const device of this.#devices.values()) this.#pause(device);
    await this.#sender.idle();
  }

  /** Counts from the next publish on. The sink must know the topics of the routes. */
  reroute(routes: readonly Route[]): void {
    this.#routes = routes;
    this.#destinations.clear();
  }

  connected(client: MqttClient): void {
    this.#accounting.connected(client.listener);
    this.#exactlyOnce.connected(client);
    const device = new Device(client);
    this.#devices.set(client, device);
    if (this.#draining) this.#pause(device);
  }

  turnedAway(): void {
    this.#accounting.turnedAway++;
  }

  subscriptionRefused(): void {
    this.#accounting.refusedSubscriptions++;
  }

  missed(): void {
    this.#accounting.missed++;
  }

  disconnected(client: MqttClient, reason: CloseReason): void {
    const device = this.#devices.get(client);
    if (!device) return;
    this.#accounting.disconnected(client.listener, reason);
    device.gone = true;
    this.#devices.delete(client);
    this.#paused.delete(device);
    this.#exactlyOnce.disconnected(client);
    for (const truckId of this.#presence.ended(device)) this.#tell(truckId, 'offline');
  }

  released(client: MqttClient, messageId: number): void {
    this.#exactlyOnce.released(client, messageId);
  }

  published(client: MqttClient, packet: MqttPublish): boolean {
    const device = this.#devices.get(client);
    return device ? this.#accepts(device, packet) : false;
  }

  lastWill(client: MqttClient, packet: MqttPublish): boolean {
    return this.#accepts(new Device(client), packet);
  }

  #accepts(device: Device, packet: MqttPublish): boolean {
    this.#accounting.received[packet.qos] = (this.#accounting.received[packet.qos] ?? 0) + 1;
    if (device.gone) {
      // The rest of a chunk of a connection that we have ended: storing it would put it before what the device resends.
      this.#accounting.refused.closing++;
      return false;
    }
    if (packet.qos === 2 && packet.messageId !== undefined && this.#isRepetition(device, packet.messageId))
      return false;
    const now = this.#clock.now();
    const records = this.#recordsOf(device, packet, now);
    if (!records) {
      this.#forbid(device, packet);
      return false;
    }
    const since = this.#clock.monotonic();
    const publish: Publish = { payload: packet.payload, left: records.length, isLost: false, last: undefined };
    const messages = records.map(({ record, fate }) => new Message(record, device, since, fate, publish));
    publish.last = messages.at(-1);
    if (publish.last) this.#expectAck(device, packet, publish.last);
    for (const message of messages) this.#enters(message);
    const { windowMessages, windowBytes, pendingBytes, partitionBytes } = this.#limits;
    const full = device.pendingMessages >= windowMessages || device.pendingBytes >= windowBytes;
    if (this.#sender.pendingBytes >= pendingBytes) this.#pressed = true;
    device.heldUpBy = records.find(({ record }) => this.#sender.pendingBytesOf(record) >= partitionBytes)?.record;
    if (device.heldUpBy) this.#heldUp = true;
    if (full || this.#pressed || device.heldUpBy) this.#pause(device);
    return true;
  }

  /** A QoS 2 message that is in the log, or will be: acknowledged with it, never appended again. */
  #isRepetition(device: Device, messageId: number): boolean {
    const known = this.#exactlyOnce.find(device.client, messageId);
    if (known === undefined) return false;
    this.#accounting.refused.duplicate++;
    const ack = device.acks.expect(messageId, 2);
    if (known === 'stored') {
      ack.due = true;
      device.acknowledge();
    } else {
      (known.followers ??= []).push({ device, ack });
    }
    return true;
  }

  #expectAck(device: Device, { qos, messageId }: MqttPublish, message: Message): void {
    if (qos === 0 || messageId === undefined) return;
    message.ack = device.acks.expect(messageId, qos);
    if (qos === 2) this.#exactlyOnce.remember(device.client, messageId, message);
  }

  /** The device may not publish this. MQTT 5 has a reason code for that; a connection of 3.1.1 is closed. */
  #forbid(device: Device, { qos, messageId, topic }: MqttPublish): void {
    this.#accounting.refused['not-authorized']++;
    const { rights, hearsReasons } = device.client;
    this.#logger.debug({ principal: rights?.principal.toString(), topic }, 'a publish was refused');
    if (!hearsReasons) return this.#close(device, 'not-authorized');
    if (qos === 0 || messageId === undefined) return;
    const ack = device.acks.expect(messageId, qos);
    ack.due = true;
    ack.remark = { kind: 'not-authorized', reason: `${rights?.id} may not publish this` };
    device.acknowledge();
  }

  /** Undefined: the device may not publish this. */
  #recordsOf(device: Device, packet: MqttPublish, now: number): Intended[] | undefined {
    const destination = this.#destination(packet.topic);
    const { rights } = device.client;
    const isFree = rights === undefined || rights.isGranted(packet.topic);
    if (destination.kind !== 'route') {
      if (!isFree && !rights.isOwn(packet.topic)) return undefined;
      const levels = destination.kind === 'no-route' ? 'a topic of a route' : 'a truck id in the topic';
      return this.#letters(device, packet, now, destination.kind, `expected ${levels}, saw ${packet.topic}`);
    }
    const { truckId, route } = destination;
    if (!route.decode) {
      if (!isFree && truckId !== rights.id) return undefined;
      return [{ record: this.#rawRecord(device, packet, now, destination), fate: 'appended' }];
    }
    const decoded = route.decode(packet.payload, { truckId, receivedAtMs: now });
    if (!isFree && !isOf(rights.id, decoded, destination)) return undefined;
    if (decoded.kind !== 'batch') return this.#recordsOfItem(device, packet, now, decoded, destination);
    const understood = decoded.items.filter((item) => item.kind !== 'rejected');
    const records = understood.flatMap((item) => this.#recordsOfItem(device, packet, now, item, destination));
    return [...records, ...this.#letterOfBatch(device, packet, now, decoded.items, destination)];
  }

  #recordsOfItem(
    device: Device,
    packet: MqttPublish,
    now: number,
    item: DecodedItem,
    destination: Destination & { kind: 'route' },
  ): Intended[] {
    if (item.kind === 'rejected') return this.#letters(device, packet, now, item.reason, item.detail, destination);
    if (item.kind === 'status') this.#presence.lastWill(item.status.truckId);
    else if (this.#presence.heard(item.position.truckId, device)) this.#tell(item.position.truckId, 'online');
    return [{ record: this.#record(device, packet, now, item, destination), fate: 'appended' }];
  }

  /** The malformed items of a batch: one letter with all its bytes, for the first of them. It comes last. */
  #letterOfBatch(
    device: Device,
    packet: MqttPublish,
    now: number,
    items: readonly DecodedItem[],
    destination: Destination & { kind: 'route' },
  ): Intended[] {
    const bad = items.flatMap((item, index) => (item.kind === 'rejected' ? [{ ...item, index }] : []));
    const [first] = bad;
    if (!first) return [];
    const where = `${bad.length} of ${items.length}, the first at ${first.index + 1}`;
    return this.#letters(device, packet, now, first.reason, `${where}: ${first.detail}`, destination);
  }

  /** The payload as it came; its headers say where from. */
  #rawRecord(
    device: Device,
    packet: MqttPublish,
    timestamp: number,
    destination: Destination & { kind: 'route' },
  ): IntakeRecord {
    const { topic, partition, key } = destination;
    const headers = originHeaders(device, packet, destination, 'plausible');
    return { topic, partition, key, value: packet.payload, headers, timestamp };
  }

  #record(
    device: Device,
    packet: MqttPublish,
    timestamp: number,
    decoded: Exclude<DecodedItem, { kind: 'rejected' }>,
    destination: Destination & { kind: 'route' },
  ): IntakeRecord {
    if (decoded.kind === 'status') {
      const headers = originHeaders(device, packet, destination, 'plausible');
      return { ...this.#statusRecord(decoded.status, timestamp), headers };
    }
    const { position, clock, marks } = decoded;
    const headers = originHeaders(device, packet, destination, clock, marks);
    const value = this.#encode(position);
    const { topic } = destination;
    if (position.truckId === destination.truckId)
      return { topic, partition: destination.partition, key: destination.key, value, headers, timestamp };
    const key = Buffer.from(position.truckId); // the payload names another truck than the topic
    return { topic, partition: this.#sink.partitionOf(topic, key), key, value, headers, timestamp };
  }

  #letters(
    device: Device,
    packet: MqttPublish,
    timestamp: number,
    reason: DeadLetterReason,
    detail: string,
    destination?: Destination & { kind: 'route' },
  ): Intended[] {
    const key = destination?.key ?? null;
    const partition = this.#sink.partitionOf(DEAD_LETTERS_TOPIC, key ?? Buffer.from(device.client.id));
    const origin = originHeaders(device, packet, destination, 'plausible');
    return deadLetter(packet.payload, reason, detail, origin).map(({ value, headers }) => ({
      record: { topic: DEAD_LETTERS_TOPIC, partition, key, value, headers, timestamp },
      fate: reason,
    }));
  }

  /** A status that the gateway itself writes about a truck: no device waits for it, and it is not counted as a publish. */
  #tell(truckId: string, status: TruckStatus['status']): void {
    const now = this.#clock.now();
    const record = this.#statusRecord({ truckId, status, ts: isoTime(now) ?? '', source: 'mqtt' }, now);
    this.#sender.add(new Message(record, undefined, this.#clock.monotonic(), 'appended'));
  }

  #statusRecord(status: TruckStatus, timestamp: number): IntakeRecord {
    const key = Buffer.from(status.truckId);
    const partition = this.#sink.partitionOf(STATUS_TOPIC, key);
    return { topic: STATUS_TOPIC, partition, key, value: encodeStatus(status), headers: new Map(), timestamp };
  }

  #destination(mqttTopic: string): Destination {
    const known = this.#destinations.get(mqttTopic);
    if (known) return known;
    const match = matchRoute(this.#routes, mqttTopic);
    if (match.kind !== 'route') return match; // not cached: any client can invent topics
    const { topic } = match.route;
    const key = Buffer.from(match.truckId);
    const destination = { ...match, topic, key, partition: this.#sink.partitionOf(topic, key) };
    if (this.#destinations.size >= MAX_KNOWN_TOPICS) this.#destinations.clear();
    this.#destinations.set(mqttTopic, destination);
    return destination;
  }

  #stored(messages: readonly Message[]): void {
    const now = this.#clock.monotonic();
    const touched = new Set<Device>();
    for (const message of messages) {
      this.#leaves(message, touched);
      const { publish } = message;
      if (!publish?.last || --publish.left > 0) continue;
      const { last } = publish;
      if (last.fate === 'appended') this.#accounting.appended++;
      else this.#accounting.deadLettered[last.fate]++;
      this.#becomesDue(last, now, touched);
    }
    for (const device of touched) device.acknowledge();
    this.#resume(touched);
  }

  #becomesDue(message: Message, now: number, touched: Set<Device>): void {
    const { ack, device } = message;
    if (!ack || !device) return;
    ack.due = true;
    const remark = remarkOn(message.fate);
    if (remark) ack.remark = remark;
    this.#accounting.acknowledged(now - message.since);
    if (ack.qos === 2) this.#exactlyOnce.stored(device.client, ack.messageId, message);
    for (const follower of message.followers ?? []) {
      follower.ack.due = true;
      touched.add(follower.device);
    }
  }

  /** The log refuses this one record for good: the bytes that the device sent become a dead letter. If it refuses that too, the device is closed. */
  #refused(message: Message, error: Error): void {
    const { device, record, publish } = message;
    const touched = new Set<Device>();
    this.#leaves(message, touched);
    if (!device || !publish || record.topic === DEAD_LETTERS_TOPIC) {
      this.#logger.error({ error: error.message, topic: record.topic }, 'the log refuses a record for good');
      this.#lost(message, 'failed');
      if (device) this.#close(device, 'failed');
      return;
    }
    const partition = this.#sink.partitionOf(DEAD_LETTERS_TOPIC, record.key ?? Buffer.from(device.client.id));
    const parts = deadLetter(publish.payload, 'refused-by-log', error.message, record.headers).map((part) => ({
      ...record,
      ...part,
      topic: DEAD_LETTERS_TOPIC,
      partition,
    }));
    const [first, ...more] = parts as [IntakeRecord, ...IntakeRecord[]]; // a letter has at least one part
    message.become(first, 'refused-by-log');
    if (publish.last) publish.last.fate = 'refused-by-log';
    publish.left += more.length;
    this.#enters(message);
    for (const part of more) this.#enters(new Message(part, device, message.since, 'refused-by-log', publish));
  }

  #abandoned(messages: readonly Message[]): void {
    this.#stalled(messages);
    const touched = new Set<Device>();
    for (const message of messages) {
      this.#leaves(message, touched);
      this.#lost(message, 'stalled');
    }
    this.#resume(touched);
  }

  /** Their devices should resend later: nothing is acknowledged, and nothing after it either. */
  #stalled(messages: readonly Message[]): void {
    for (const { device } of messages) if (device) this.#close(device, 'stalled');
    this.#complain(new Error(`${messages.length} records waited ${this.#limits.stallMs} ms for the log`));
  }

  #lost(message: Message, reason: 'stalled' | 'failed'): void {
    const { publish } = message;
    if (!publish?.last || publish.isLost) return;
    publish.isLost = true;
    this.#accounting.refused[reason]++;
    const { ack, device, followers } = publish.last;
    if (ack?.qos === 2 && device) this.#exactlyOnce.lost(device.client, ack.messageId, publish.last);
    for (const follower of followers ?? []) this.#close(follower.device, reason);
  }

  #enters(message: Message): void {
    const { device, sizeBytes } = message;
    if (device) {
      device.pendingMessages++;
      device.pendingBytes += sizeBytes;
    }
    this.#sender.add(message);
  }

  #leaves({ device, sizeBytes }: Message, touched: Set<Device>): void {
    if (!device) return;
    device.pendingMessages--;
    device.pendingBytes -= sizeBytes;
    touched.add(device);
  }

  #close(device: Device, reason: CloseReason): void {
    if (device.gone) return;
    device.gone = true; // nothing more is sent to it
    device.client.close(reason);
  }

  #pause(device: Device): void {
    if (this.#paused.has(device) || device.gone) return;
    this.#paused.add(device);
    device.client.pause();
  }

  #resume(touched: ReadonlySet<Device>): void {
    if (this.#draining || this.#paused.size === 0) return;
    if (this.#pressed && this.#sender.pendingBytes > this.#limits.pendingBytes / 2) return;
    const candidates = this.#pressed || this.#heldUp ? this.#paused : touched;
    this.#pressed = false;
    this.#heldUp = false;
    for (const device of candidates) {
      if (!this.#paused.has(device)) continue;
      if (this.#hasRoom(device)) this.#wake(device);
      else if (device.heldUpBy) this.#heldUp = true;
    }
  }

  #hasRoom({ heldUpBy, pendingBytes, pendingMessages }: Device): boolean {
    const { partitionBytes, windowBytes, windowMessages } = this.#limits;
    if (heldUpBy && this.#sender.pendingBytesOf(heldUpBy) > partitionBytes / 2) return false;
    return pendingMessages <= windowMessages / 2 && pendingBytes <= windowBytes / 2;
  }

  #wake(device: Device): void {
    this.#paused.delete(device);
    device.heldUpBy = undefined;
    device.client.resume();
  }

  #inFlight(): number {
    const publishes = new Set<Publish>();
    for (const { publish } of this.#sender.pending()) if (publish && !publish.isLost) publishes.add(publish);
    return publishes.size;
  }

  #complain(error: Error): void {
    const now = this.#clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#logger.warn(
      { error: error.message, pendingBytes: this.#sender.pendingBytes },
      'the log is not taking records',
    );
  }
}

/** Whether neither the topic nor the payload names another truck. Some topics name none. */
function isOf(id: string, decoded: Decoded, { truckId }: { readonly truckId: string }): boolean {
  if (truckId !== id && truckId !== '') return false;
  const items = decoded.kind === 'batch' ? decoded.items : [decoded];
  return items.every((item) => {
    if (item.kind === 'position') return item.position.truckId === id;
    return item.kind === 'rejected' || item.status.truckId === id;
  });
}

/** The reason for a device that can receive one (MQTT 5): its payload is stored, but as a dead letter. */
function remarkOn(fate: Message['fate']): AckRemark | undefined {
  if (fate === 'appended') return undefined;
  const kind = fate === 'no-route' || fate === 'no-truck-id' ? 'nobody-takes-it' : 'not-understood';
  return { kind, reason: `kept as a dead letter: ${fate}` };
}

interface Intended {
  readonly record: IntakeRecord;
  readonly fate: 'appended' | DeadLetterReason;
}
