// What would become of this payload? The intake itself answers, with a log that stores nothing: a dry run cannot differ
// from the real thing.
import { type Cancel, type Clock, silentLogger, silentMeter } from '@milepost/core';
import { encodePosition, type Position } from '@milepost/fleet';
import { matchRoute, type Route } from '@milepost/routes';
import type { DeviceIdentity } from '@milepost/security';
import { DEAD_LETTERS_TOPIC } from './dead-letter.ts';
import type { MqttClient } from './engine.ts';
import { Intake } from './intake.ts';
import type { IntakeRecord, RecordSink } from './record.ts';
import { Rights } from './rights.ts';

export interface TriedPublish {
  readonly topic: string;
  readonly payload: Buffer;
  /** The MQTT client id: a header of the records. */
  readonly client: string;
  /** Of the device that publishes: what it may not publish makes no record. Absent: it may publish everything. */
  readonly identity?: DeviceIdentity | undefined;
  /** Writes the value of a position; JSON by default. */
  readonly encode?: ((position: Position) => Buffer) | undefined;
}

export interface DryRun {
  /** The name of the route that takes the topic; undefined: none does. */
  readonly route: string | undefined;
  /** In the order in which they would be stored. Those of the dead letters topic have headers `reason` and `detail`. */
  readonly records: readonly TriedRecord[];
}

export interface TriedRecord {
  readonly topic: string;
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Buffer;
  readonly isDeadLetter: boolean;
}

export async function dryRun(routes: readonly Route[], publish: TriedPublish, clock: Clock): Promise<DryRun> {
  const stored: IntakeRecord[] = [];
  const sink: RecordSink = { partitionOf: () => 0, send: async (records) => void stored.push(...records) };
  const timers = new Timers(clock);
  const { encode = encodePosition, identity } = publish;
  const intake = new Intake({ clock: timers, logger: silentLogger, meter: silentMeter, sink, routes, encode });
  const client = clientOf(publish.client, identity && new Rights(identity, () => routes));
  intake.connected(client);
  const { topic, payload } = publish;
  intake.published(client, { topic, payload, qos: 1, retain: false, dup: false, messageId: 1 });
  await intake.drain();
  timers.cancel();
  const match = matchRoute(routes, topic);
  return {
    route: match.kind === 'no-route' ? undefined : match.route.name,
    records: stored.filter(({ headers }) => headers.has('mqtt.topic')).map(triedRecord), // not the gateway's own, of presence
  };
}

const triedRecord = ({ topic, key, headers, value }: IntakeRecord): TriedRecord => ({
  topic,
  key: key?.toString() ?? null,
  headers: Object.fromEntries([...headers].map(([name, text]) => [name, text.toString()])),
  value,
  isDeadLetter: topic === DEAD_LETTERS_TOPIC,
});

const clientOf = (id: string, rights: Rights | undefined): MqttClient => ({
  id,
  session: id,
  rights,
  hearsReasons: true,
  listener: 'mqtt',
  clean: true,
  acknowledge() {},
  pause() {},
  resume() {},
  close() {},
});

/** A clock whose timers end with the dry run. */
class Timers implements Clock {
  readonly #clock: Clock;
  readonly #cancels: Cancel[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  after(delayMs: number, run: () => void): Cancel {
    const cancel = this.#clock.after(delayMs, run);
    this.#cancels.push(cancel);
    return cancel;
  }

  cancel(): void {
    for (const cancel of this.#cancels) cancel();
  }
}
