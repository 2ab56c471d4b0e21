// The whole work of an appliance: trucks over MQTT, producers and a consumer group over Kafka. It records what was
// acknowledged, and `verify` compares that with the content of an appliance.
import { setTimeout as pause } from 'node:timers/promises';
import type { KafkaAddress } from '@milepost/streams';
import { readAll, type ReadRecord } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { cleanUpWith } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import type { Appliance } from './appliance.ts';
import { committedOffsets, endOffsets, KafkaLoad, type StoredRecord, TOPIC } from './kafka-load.ts';
import { Truck } from './trucks-load.ts';

const TRUCKS = 5;
/** For each truck, each partition and, in all, the group: enough to be in the middle of their work. */
const PROGRESS = 5;
/** For a start with its recovery, and the clients' reconnection. */
const RESUME_LIMIT_MS = 120_000;

/** What clients know to be stored. */
export interface Acknowledged {
  /** By truck. */
  readonly positions: ReadonlyMap<string, readonly number[]>;
  /** By partition of the topic. */
  readonly records: readonly (readonly StoredRecord[])[];
  /** By partition of the topic. */
  readonly committed: readonly number[];
}

export class Load {
  readonly #trucks: readonly Truck[];
  readonly #kafka: KafkaLoad;

  private constructor(trucks: readonly Truck[], kafka: KafkaLoad) {
    this.#trucks = trucks;
    this.#kafka = kafka;
  }

  /**
   * Continues through all lives of the appliance, until it is stopped. A second load numbers its records from further
   * on.
   */
  static async start({ ports }: Appliance, firstNumber = 0): Promise<Load> {
    const kafka = await KafkaLoad.start(addressOf(ports.kafka), firstNumber);
    const trucks = Array.from({ length: TRUCKS }, (_, index) => new Truck(`truck-${index}`, ports.mqtt, firstNumber));
    const load = new Load(trucks, kafka);
    cleanUpWith(() => load.stop());
    return load;
  }

  /** As of this moment. */
  acknowledged(): Acknowledged {
    return {
      positions: new Map(this.#trucks.map(({ truckId, acknowledged }) => [truckId, [...acknowledged]])),
      records: this.#kafka.acknowledged.map((records) => [...records]),
      committed: [...this.#kafka.committed],
    };
  }

  /** Resolves when each truck, each producer and the group have made progress since the call. */
  async goesOn(): Promise<void> {
    const before = this.acknowledged();
    const committed = sum(before.committed);
    await until(
      'all trucks, all producers and the group go on',
      () => {
        const now = this.acknowledged();
        return (
          [...now.positions].every(([id, numbers]) => hasGrown(numbers, before.positions.get(id))) &&
          now.records.every((records, partition) => hasGrown(records, before.records[partition])) &&
          sum(now.committed) >= committed + PROGRESS
        );
      },
      RESUME_LIMIT_MS,
    );
  }

  /** Like `goesOn`, and up to that much longer: for a fault at a random moment. */
  async untilRandomMoment(mostMs = 1_500): Promise<void> {
    await this.goesOn();
    await pause(Math.random() * mostMs);
  }

  /** Committed offsets that no member of the group ever received. */
  skipped(): string[] {
    return this.#kafka.committed.flatMap((end, partition) => {
      const read = this.#kafka.read[partition] ?? new Set();
      return Array.from({ length: end }, (_, offset) => offset)
        .filter((offset) => !read.has(offset))
        .map((offset) => `${TOPIC}-${partition}@${offset}`);
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.#kafka.stop(), ...this.#trucks.map((truck) => truck.stop())]);
  }
}

/** Everything that was acknowledged is there, at its offset, in order and once; no commit has gone back. */
export async function verify(acknowledged: Acknowledged, { ports }: Appliance): Promise<void> {
  const kafka = addressOf(ports.kafka);
  await verifyCommits(acknowledged.committed, kafka);
  verifyRecords(TOPIC, acknowledged.records, await readAll(kafka, TOPIC));
  await verifyPositions(acknowledged, ports.kafka);
}

const addressOf = (port: number): KafkaAddress => ({ bootstrapServers: [`127.0.0.1:${port}`] });

/** By partition: no commit that was acknowledged has gone back, none is beyond the log's end. */
export async function verifyCommits(committed: readonly number[], at: KafkaAddress): Promise<void> {
  const [now, ends] = [await committedOffsets(at), await endOffsets(at)];
  for (const [partition, offset] of now.entries()) {
    check(
      offset >= (committed[partition] ?? 0),
      `partition ${partition}: the commit of ${committed[partition]}`,
      offset,
    );
    check(
      offset <= (ends[partition] ?? 0),
      `partition ${partition} ends behind the commit of ${offset}`,
      ends[partition],
    );
  }
}

/** Every record that a producer knows to be stored is at its offset; all of its numbers are in order, each once. */
export function verifyRecords(
  topic: string,
  acknowledged: readonly (readonly StoredRecord[])[],
  found: readonly ReadRecord[],
): void {
  for (const [partition, records] of acknowledged.entries()) {
    const here = found.filter((record) => record.partition === partition);
    const byOffset = new Map(here.map(({ offset, value }) => [offset, value]));
    const lost = records.filter(({ offset, value }) => byOffset.get(offset) !== value);
    const name = `${topic}-${partition}`;
    check(lost.length === 0, `${name}: every acknowledged record is at its offset`, lost.slice(0, 5));
    const numbers = here.map(({ value }) => Number(value));
    check(isAscending(numbers), `${name}: in order, each once`, disorder(numbers));
  }
}

async function verifyPositions({ positions }: Acknowledged, port: number): Promise<void> {
  const found = Map.groupBy(await readAll(port, 'truck_gps'), ({ key }) => key);
  for (const [truckId, acknowledged] of positions) {
    const numbers = (found.get(truckId) ?? []).map(
      ({ value }) => (JSON.parse(value) as { odometerM: number }).odometerM,
    );
    const there = new Set(numbers);
    const lost = acknowledged.filter((number) => !there.has(number));
    check(lost.length === 0, `${truckId}: every acknowledged position is there`, lost.slice(0, 5));
    // Resent after a lost acknowledgement, a position may be there twice.
    check(isAscending([...there]), `${truckId}: in the truck's order`, disorder([...there]));
  }
}

const hasGrown = (now: readonly unknown[], before: readonly unknown[] = []): boolean =>
  now.length >= before.length + PROGRESS;

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const isAscending = (numbers: readonly number[]): boolean => disorder(numbers).length === 0;

/** The first adjacent numbers that are not in order. */
function disorder(numbers: readonly number[]): readonly number[] {
  const at = numbers.findIndex((number, index) => index > 0 && number <= (numbers[index - 1] ?? 0));
  return at < 0 ? [] : numbers.slice(at - 1, at + 1);
}
