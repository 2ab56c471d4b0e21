// For this library's tests: a clock that moves on command, a log that responds on command, devices that record.
import { type Meter, silentLogger, silentMeter } from '@milepost/core';
import { DEFAULT_ROUTES, type Route } from '@milepost/routes';
import { ManualClock, settled } from '../../core/src/testing/manual-clock.ts';
import type { Acknowledgement, CloseReason, MqttClient, MqttPublish } from './engine.ts';
import { Intake, type IntakeLimits } from './intake.ts';
import type { IntakeRecord, RecordSink, StoredAhead } from './record.ts';
import type { Rights } from './rights.ts';

export { settled };

interface Sent {
  readonly records: readonly IntakeRecord[];
  readonly succeed: () => Promise<void>;
  readonly fail: (error?: Error) => Promise<void>;
  /** One partition has its records; the send continues for the others. */
  readonly storeAhead: (partition: number) => Promise<void>;
}

/** A log of ten partitions (by the sum of the key's bytes); each `send` stays pending until the test answers it. */
export class TestSink implements RecordSink {
  readonly log: IntakeRecord[] = [];
  readonly open: Sent[] = [];
  /** Answers every send by itself. */
  automatic = false;

  partitionOf(_topic: string, key: Buffer): number {
    return key.reduce((sum, byte) => sum + byte, 0) % 10;
  }

  send(records: readonly IntakeRecord[], storedAhead: StoredAhead): Promise<void> {
    if (this.automatic) {
      this.log.push(...records);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const answer = (how: () => void) => async (): Promise<void> => {
        this.open.splice(this.open.indexOf(sent), 1);
        how();
        await settled();
      };
      let left = records;
      const sent: Sent = {
        records,
        succeed: answer(() => {
          this.log.push(...left);
          resolve();
        }),
        storeAhead: async (partition) => {
          const stored = left.filter((record) => record.partition === partition);
          this.log.push(...stored);
          left = left.filter((record) => record.partition !== partition);
          for (const topic of new Set(stored.map((record) => record.topic))) storedAhead(topic, partition);
          await settled();
        },
        fail: (error = new Error('broker away')) => answer(() => reject(error))(),
      };
      this.open.push(sent);
    });
  }

  get next(): Sent {
    const [sent] = this.open;
    if (!sent) throw new Error('nothing was sent');
    return sent;
  }

  /** From now on every send succeeds, pending ones too. */
  async recover(): Promise<void> {
    this.automatic = true;
    for (const sent of Array.from(this.open)) await sent.succeed();
  }

  async failAll(): Promise<void> {
    for (const sent of Array.from(this.open)) await sent.fail();
  }

  values(topic: string): string[] {
    return this.log.filter((record) => record.topic === topic).map(({ value }) => value.toString());
  }
}

export interface TestDeviceOptions {
  readonly clean?: boolean;
  readonly rights?: Rights;
  readonly hearsReasons?: boolean;
}

export class TestDevice implements MqttClient {
  readonly id: string;
  readonly clean: boolean;
  readonly listener = 'mqtt';
  readonly rights: Rights | undefined;
  readonly hearsReasons: boolean;
  readonly acks: number[] = [];
  readonly writes: (readonly Acknowledgement[])[] = [];
  paused = false;
  closed: CloseReason | undefined;
  readonly #bench: Bench;
  #nextId = 1;

  constructor(bench: Bench, id: string, { clean = true, rights, hearsReasons = false }: TestDeviceOptions) {
    this.#bench = bench;
    this.id = id;
    this.clean = clean;
    this.rights = rights;
    this.hearsReasons = hearsReasons;
  }
  get session(): string {
    return this.id;
  }
  acknowledge(acknowledgements: readonly Acknowledgement[]): void {
    this.writes.push([...acknowledgements]);
    this.acks.push(...acknowledgements.map(({ messageId }) => messageId));
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  close(reason: CloseReason): void {
    this.closed = reason;
  }
  publish(topic: string, payload: string | Buffer, options: Partial<MqttPublish> = {}): number {
    const qos = options.qos ?? 1;
    const messageId = qos === 0 ? undefined : (options.messageId ?? this.#nextId++);
    const packet = { topic, payload: Buffer.from(payload as string), retain: false, dup: false, ...options };
    this.#bench.intake.published(this, { ...packet, qos, messageId });
    return messageId ?? 0;
  }
  /** A position of truck `t-<n>` (partition n), identified by its latitude. */
  drive(truck: number, lat: number, options: Partial<MqttPublish> = {}): number {
    return this.publish(`trucks/t-${truck}/gps`, `{"lat":${lat},"lon":2}`, options);
  }
  disconnect(): void {
    this.#bench.intake.disconnected(this, this.closed ?? 'lost');
  }
}

/** An intake with its surroundings for a test. */
export class Bench {
  readonly clock = new ManualClock(Date.parse('2026-11-22T10:00:00Z'));
  readonly sink = new TestSink();
  readonly intake: Intake;

  constructor(options: { limits?: Partial<IntakeLimits>; meter?: Meter; routes?: readonly Route[] } = {}) {
    const { limits = {}, meter = silentMeter, routes = DEFAULT_ROUTES } = options;
    this.intake = new Intake({ clock: this.clock, logger: silentLogger, meter, sink: this.sink, routes, limits });
  }

  device(id = 'device', options: TestDeviceOptions = {}): TestDevice {
    const device = new TestDevice(this, id, options);
    this.intake.connected(device);
    return device;
  }

  /** The accounting identity, which holds at every moment. */
  balance(): { received: number; appended: number; deadLettered: number; refused: number; inFlight: number } {
    const totals = this.intake.totals();
    expect(totals.received).toBe(totals.appended + totals.deadLettered + totals.refused + totals.inFlight);
    return totals;
  }
}
