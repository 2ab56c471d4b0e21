// The notification service: an ordinary consumer group that turns positions into alerts, and alerts into deliveries to
// the topic `truck_alerts` and to a webhook.
import {
  type Alert,
  type Channel,
  Deliverer,
  type Observation,
  observationOf,
  RuleEngine,
  type RuleList,
  RuleSet,
} from '@milepost/alerts';
import type { Cancel, Host, Logger } from '@milepost/core';
import type { PositionReader } from '@milepost/fleet';
import { PostgresAlertStore, PostgresRuleStore, RuleFollower } from '@milepost/postgres';
import type { Settings } from '@milepost/settings';
import {
  type ConsumedRecord,
  Consumer,
  ensureTopics,
  headerOf,
  meterFailedPartitions,
  Producer,
  productTopics,
  TRUCK_ALERTS,
  TRUCK_GPS,
  unreadPartitions,
} from '@milepost/streams';
import { batchTracer } from '@milepost/telemetry';
import { Inject, Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  DATABASE,
  HOST,
  KAFKA,
  type Kafka,
  Lifecycle,
  LOGGER,
  type Part,
  positionReader,
  type Schemas,
  SCHEMAS,
  SETTINGS,
} from '../../chassis/src/index.ts';
import { alertTopic } from './alert-topic.ts';
import { AlertTraces, postAlert, sendAlert } from './alert-traces.ts';
import { webhook } from './webhook.ts';

const GROUP_ID = 'notification-service';
const TICK_MS = 1_000;
/** Positions wait this long before the rules run, so that many trucks' states share a transaction. */
const GATHER_MS = 100;
/**
 * An alert that the topic does not accept is postponed, as for every channel: alerts in other partitions do not wait
 * for it.
 */
const SEND_REPEATS = 3;

@Injectable()
export class NotificationsPart implements Part {
  readonly name = 'notifications';
  readonly phase = 'clients';
  readonly #traces = new AlertTraces();
  readonly #positions: PositionReader;
  #engine: RuleEngine | undefined;
  #deliverer: Deliverer | undefined;
  #producer: Producer | undefined;
  #consumer: Consumer | undefined;
  #follower: RuleFollower | undefined;
  #rules = new RuleSet(0, []);
  #cancelTick: Cancel = () => {};
  #ticking: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(DATABASE) private readonly database: () => DataSource,
    @Inject(KAFKA) private readonly kafka: Kafka,
    @Inject(SCHEMAS) schemas: Schemas,
    lifecycle: Lifecycle,
  ) {
    this.#positions = positionReader(schemas, { groupId: GROUP_ID, logger, meter: host.meter });
    lifecycle.register(this);
  }

  async start(): Promise<void> {
    const { logger, host, settings } = this;
    await ensureTopics(this.kafka());
    const store = new PostgresAlertStore(this.database());
    const rules = await new PostgresRuleStore(this.database()).list();
    this.#apply(rules);
    this.#follower = new RuleFollower(this.database(), logger, rules, (changed) => this.#apply(changed));
    this.#follower.start();
    const clientId = 'milepost-notifications';
    this.#producer = new Producer({ ...this.kafka(), clientId, logger, repeats: SEND_REPEATS });
    const { webhookUrl } = settings;
    const toTopic = alertTopic(this.#producer, host.clock);
    const channels: Channel[] = [this.#traces.traced(toTopic, sendAlert(TRUCK_ALERTS))];
    if (webhookUrl) channels.push(this.#traces.traced(webhook(webhookUrl), postAlert(webhookUrl)));
    this.#deliverer = new Deliverer({ store, channels, clock: host.clock, meter: host.meter, logger });
    this.#engine = new RuleEngine({
      store,
      clock: host.clock,
      channels: channels.map(({ name }) => name),
      rules: () => this.#rules,
    });
    this.#consumer = new Consumer({
      ...this.kafka(),
      groupId: GROUP_ID,
      clientId,
      topics: [TRUCK_GPS],
      gatherMs: GATHER_MS,
      logger,
      tracer: batchTracer(GROUP_ID),
      handle: (records) => this.#handle(records),
    });
    const version = host.meter.gauge(
      'milepost_rules_version',
      'The version of the rules in force. A change increases it.',
    );
    host.meter.onScrape(() => version.set(this.#rules.version));
    meterFailedPartitions(host.meter, GROUP_ID, () => this.#consumer?.failedPartitions() ?? []);
    this.#deliverer.kick();
    this.#tickLater();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancelTick();
    await this.#ticking;
    await this.#follower?.stop();
    await this.#consumer?.close();
    await this.#deliverer?.close();
    await this.#producer?.close();
  }

  notReady(): string | undefined {
    return this.#consumer?.notReady();
  }

  /** The rules watch the trucks of the other partitions, so it is ready. */
  degraded(): string | undefined {
    return unreadPartitions(this.#consumer?.failedPartitions() ?? [], 'their trucks raise no alerts meanwhile');
  }

  #apply({ broken, rules, version }: RuleList): void {
    for (const { id, reason } of broken)
      this.logger.warn({ rule: id, reason }, 'a stored rule cannot be read, and does not apply');
    this.#rules = new RuleSet(version, rules);
    this.logger.debug({ version, rules: rules.length }, 'rules in force');
  }

  async #handle(records: readonly ConsumedRecord[]): Promise<void> {
    await this.#positions.prepare(records);
    const batches = Array.from(
      Map.groupBy(records, (record) => record.partition),
      ([partition, own]) => ({
        partition,
        seen: this.#observations(own),
        nextOffset: (own.at(-1)?.offset ?? -1) + 1,
      }),
    );
    this.#fired(await this.#engine?.process(batches));
  }

  /** A record that is not a position was written by another program, and is skipped. */
  #observations(records: readonly ConsumedRecord[]): Observation[] {
    return records.flatMap((record) => {
      const seen = observationOf(record, this.#positions, headerOf);
      if (!seen) return [];
      this.#traces.read(seen.position, record);
      return [seen];
    });
  }

  #fired(alerts: readonly Alert[] = []): void {
    if (alerts.length === 0) return;
    this.#traces.fired(alerts);
    this.#deliverer?.kick();
  }

  #tickLater(): void {
    this.#cancelTick = this.host.clock.after(TICK_MS, () => {
      this.#ticking = this.#tick().finally(() => {
        if (!this.#stopping) this.#tickLater();
      });
    });
  }

  async #tick(): Promise<void> {
    const partitions = productTopics.find(({ name }) => name === TRUCK_GPS)?.partitions ?? 0;
    try {
      const alerts = await this.#engine?.tick(Array.from({ length: partitions }, (_, index) => index));
      this.#fired(alerts);
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'silent trucks are not detected at the moment');
    }
  }
}

@Module({ providers: [NotificationsPart] })
export class NotificationsModule {}
