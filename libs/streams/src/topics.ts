// The topics of the product. Each app ensures at its start that they exist, on our broker or on another Kafka.
import { setTimeout as pause } from 'node:timers/promises';
import { Admin, type ClusterMetadata } from '@platformatic/kafka';
import { codesOf, kafkaFailure, reasonsOf } from './failure.ts';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export const TRUCK_GPS = 'truck_gps';
export const TRUCK_STATUS = 'truck_status';
export const TRUCK_ALERTS = 'truck_alerts';
export const TRUCK_COMMANDS = 'truck_commands';
export const DEAD_LETTERS = 'dead_letters';

export const productTopics: readonly TopicPlan[] = [
  { name: TRUCK_GPS, partitions: 10 },
  { name: TRUCK_STATUS, partitions: 10, configs: { 'cleanup.policy': 'compact' } },
  { name: TRUCK_ALERTS, partitions: 10 },
  { name: TRUCK_COMMANDS, partitions: 10 },
  { name: DEAD_LETTERS, partitions: 3 },
];

/** A topic exists with another number of partitions: keys would land elsewhere than before. */
export class WrongPartitions extends Error {
  override readonly name = 'WrongPartitions';
}

/** Creates missing topics. @throws WrongPartitions; Error with where, why and the cure. */
export async function ensureTopics(address: KafkaAddress, plans: readonly TopicPlan[] = productTopics): Promise<void> {
  const admin = new Admin({
    clientId: 'milepost-topics',
    ...connectionOptions(address),
    retries: 5,
    retryDelay: 300,
  });
  try {
    const there = new Set(await admin.listTopics({ includeInternals: false }));
    for (const plan of plans) if (!there.has(plan.name)) await createWhenBrokersAreThere(admin, plan);
    const seenBy = await settled(
      admin,
      plans.map(({ name }) => name),
    );
    for (const { name, partitions } of plans) {
      const seen = seenBy.get(name)?.partitionsCount;
      if (seen !== partitions)
        throw new WrongPartitions(
          `topic ${name}: expected ${partitions} partitions, it has ${seen}; the key of a truck decides its partition, so ` +
            'this cannot be changed in place: use another cluster, or move the topic aside',
        );
    }
  } catch (error) {
    throw error instanceof WrongPartitions ? error : kafkaFailure(address, error);
  } finally {
    await admin.close();
  }
}

/** Creates a topic, with the broker's own number of partitions, unless it exists. @throws Error with where, why and the cure. */
export async function ensureTopic(address: KafkaAddress, name: string): Promise<void> {
  const admin = new Admin({ clientId: 'milepost-topics', ...connectionOptions(address), retries: 5, retryDelay: 300 });
  try {
    const there = await admin.listTopics({ includeInternals: false });
    if (!there.includes(name)) await createWhenBrokersAreThere(admin, { name, partitions: BROKERS_DEFAULT });
    await settled(admin, [name]);
  } catch (error) {
    throw kafkaFailure(address, error);
  } finally {
    await admin.close();
  }
}

/** KIP-464: the broker's num.partitions. */
const BROKERS_DEFAULT = -1;

/** Kafka responds to a creation before every broker knows the topic, and before its partitions have leaders. */
async function settled(admin: Admin, topics: string[]): Promise<ClusterMetadata['topics']> {
  for (const until = performance.now() + SETTLE_LIMIT_MS; ; await pause(SETTLE_LOOK_MS)) {
    const isLate = performance.now() > until;
    try {
      const seen = (await admin.metadata({ topics, autocreateTopics: false, forceUpdate: true })).topics;
      const isLed = [...seen.values()].every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
      if (isLed || isLate) return seen; // with a broker away some partitions have no leader for long, which we cannot change
    } catch (error) {
      if (isLate || !reasonsOf(error).some((reason) => /Unknown topic/.test(reason))) throw error; // its code is lost
    }
  }
}

const SETTLE_LIMIT_MS = 15_000;
const SETTLE_LOOK_MS = 100;

/** Brokers of a cluster that has just been started may not all be there yet for default.replication.factor. */
async function createWhenBrokersAreThere(admin: Admin, plan: TopicPlan): Promise<void> {
  for (const until = performance.now() + BROKERS_LIMIT_MS; ; await pause(BROKERS_LOOK_MS)) {
    try {
      return await create(admin, plan);
    } catch (error) {
      if (performance.now() > until || !codesOf(error).includes('INVALID_REPLICATION_FACTOR')) throw error;
    }
  }
}

const BROKERS_LIMIT_MS = 60_000;
const BROKERS_LOOK_MS = 1_000;

/** Another app may be creating the same topic at this moment, which is as good. */
async function create(admin: Admin, { name, partitions, configs = {} }: TopicPlan): Promise<void> {
  try {
    await admin.createTopics({
      topics: [name],
      partitions,
      replicas: -1,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    });
  } catch (error) {
    if (!codesOf(error).includes('TOPIC_ALREADY_EXISTS')) throw error;
  }
}
