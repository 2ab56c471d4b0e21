// Maintains the last positions of all trucks: read back from the log at the start, then followed as
// `location-dashboard`. The group resumes after its last handled record, but this state is in memory: so the recent log
// is read again.
import type { Clock, Histogram, Host, Logger, Meter } from '@milepost/core';
import type { PositionReader } from '@milepost/fleet';
import { LiveTrucks } from '@milepost/live';
import {
  type ConsumedRecord,
  meterFailedPartitions,
  TRUCK_ALERTS,
  TRUCK_GPS,
  unreadPartitions,
} from '@milepost/streams';
import { Inject, Injectable } from '@nestjs/common';
import {
  HOST,
  Lifecycle,
  LOGGER,
  METER,
  type Part,
  positionReader,
  type Schemas,
  SCHEMAS,
} from '../../chassis/src/index.ts';
import { TopicAlerts } from './alerts-source.ts';
import { type Following, groupId, type TruckLog } from './truck-log.ts';

export const TRUCK_LOG = Symbol('TruckLog');

/** Read completely before the map is ready: enough for a trail. */
const recentMs = 10 * 60_000;
/** Searched for older positions while the map is up, for trucks that have been silent for longer; and for alerts. */
const olderMs = 24 * 3_600_000;

@Injectable()
export class LiveMapPart implements Part {
  readonly name = 'dashboard';
  readonly phase = 'clients';
  readonly trucks = new LiveTrucks();
  readonly alerts = new TopicAlerts();
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #age: Histogram;
  readonly #positions: PositionReader;
  #following: Following | undefined;
  #searching: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    @Inject(TRUCK_LOG) private readonly log: TruckLog,
    @Inject(HOST) host: Host,
    @Inject(LOGGER) logger: Logger,
    @Inject(METER) meter: Meter,
    @Inject(SCHEMAS) schemas: Schemas,
    lifecycle: Lifecycle,
  ) {
    this.#clock = host.clock;
    this.#logger = logger;
    this.#age = meter.histogram(
      'milepost_position_age_seconds',
      'From the time that a position carries to its arrival in a consumer.',
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600],
    );
    this.#positions = positionReader(schemas, { groupId, logger, meter });
    meterFailedPartitions(meter, groupId, () => this.#following?.failedPartitions() ?? []);
    lifecycle.register(this);
  }

  async start(): Promise<void> {
    await this.log.prepare();
    const nowMs = this.#clock.now();
    await this.#restoreRecent(nowMs);
    this.#following = this.log.follow([TRUCK_GPS, TRUCK_ALERTS], (records) => this.#take(records));
    this.#searching = this.#restoreOlder(nowMs).catch((error: unknown) => {
      this.#logger.warn({ error: String(error) }, 'trucks that were quiet for long are missing on the map until heard');
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#searching;
    await this.#following?.close();
  }

  notReady(): string | undefined {
    return this.#following?.notReady();
  }

  /** The trucks of the other partitions are on the map, so it is ready. */
  degraded(): string | undefined {
    return unreadPartitions(this.#following?.failedPartitions() ?? [], 'their trucks stand still on the map');
  }

  async #restoreRecent(nowMs: number): Promise<void> {
    for await (const records of this.log.read({ topic: TRUCK_ALERTS, fromMs: nowMs - olderMs })) {
      for (const { value } of records) if (value) this.alerts.add(value);
    }
    let positions = 0;
    for await (const records of this.log.read({ topic: TRUCK_GPS, fromMs: nowMs - recentMs })) {
      await this.#positions.prepare(records);
      records.forEach((record) => this.#locate(record));
      positions += records.length;
    }
    this.#logger.info({ trucks: this.trucks.size, positions }, `${this.trucks.size} trucks on the map from the log`);
  }

  /** Restores the last position of each truck that is not known yet; only that one record of each truck is parsed. */
  async #restoreOlder(nowMs: number): Promise<void> {
    const lastByTruck = new Map<string, ConsumedRecord>();
    for await (const records of this.log.read({ topic: TRUCK_GPS, fromMs: nowMs - olderMs })) {
      if (this.#stopped) return;
      for (const record of records) {
        const truckId = record.key?.toString() ?? '';
        if (!this.trucks.get(truckId)) lastByTruck.set(truckId, record);
      }
    }
    await this.#positions.prepare([...lastByTruck.values()]);
    for (const record of lastByTruck.values()) this.#locate(record);
  }

  async #take(records: readonly ConsumedRecord[]): Promise<void> {
    await this.#positions.prepare(records.filter(({ topic }) => topic === TRUCK_GPS));
    for (const record of records) {
      if (record.topic === TRUCK_GPS) this.#locate(record, this.#age);
      else if (record.value) this.alerts.add(record.value);
    }
  }

  /** A record that is not a position was written by another program, and is skipped. */
  #locate({ offset, partition, timestamp, value }: ConsumedRecord, age?: Histogram): void {
    const position = this.#positions.read(value);
    if (!position) return;
    const timeMs = this.trucks.apply(position, { partition, offset, receivedAtMs: timestamp });
    age?.observe(Math.max(0, this.#clock.now() - timeMs) / 1_000);
  }
}
