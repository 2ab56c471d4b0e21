// Gauges under the names of existing Kafka dashboards (kafka_exporter's and the JMX exporter's), set at each scrape
// from one snapshot: offsets, end and lag of a partition agree with one another. Lag is never negative, empty groups
// keep their series, deleted groups and topics lose them.
//
// In a cluster each series of a partition comes from one broker, so that sums over brokers are right: from its leader, or from
// the controller while it has none. A group's come from its coordinator; where that has no replica of a partition, the lag of
// this partition is unknown and has no series.
import type { BrokerId, Counter, Gauge, Labels, Meter, Offset } from '@milepost/core';
import { REBALANCE_REASONS } from '@milepost/coordinators';
import { aliveBrokers, type ClusterImage, livingController } from '@milepost/metadata';
import type { GroupSnapshot, PartitionSnapshot, TopicSnapshot } from './snapshots.ts';

export interface GaugeSources {
  readonly brokerId: BrokerId;
  readonly image: () => ClusterImage;
  readonly topics: () => TopicSnapshot[];
  readonly groupsSnapshot: () => Promise<GroupSnapshot[]>;
  /** `min.insync.replicas` of topics that do not set it. */
  readonly defaultMinIsr: () => number;
  readonly diskSpace: () => { readonly freeBytes: number; readonly totalBytes: number };
  readonly lagTimes: {
    secondsBehind(group: string, topic: string, partition: number, committed: Offset): number;
    endRound(): void;
  };
}

const TOPIC = ['topic'];
const PARTITION = ['topic', 'partition'];
const GROUP = ['consumergroup'];
const GROUP_TOPIC = ['consumergroup', 'topic'];
const GROUP_PARTITION = ['consumergroup', 'topic', 'partition'];

const gauges = {
  kafka_brokers: ['Brokers of the cluster that are alive.', []],
  kafka_broker_info: ['A broker; always 1.', ['id', 'address']],
  kafka_topic_partitions: ['Partitions of the topic.', TOPIC],
  kafka_topic_partition_current_offset: ['The high watermark: the next offset to be committed.', PARTITION],
  kafka_topic_partition_oldest_offset: ['The first offset that is still there.', PARTITION],
  kafka_topic_partition_leader: ['The broker that leads.', PARTITION],
  kafka_topic_partition_replicas: ['Replicas.', PARTITION],
  kafka_topic_partition_in_sync_replica: ['Replicas in sync.', PARTITION],
  kafka_topic_partition_under_replicated_partition: ['1: some replica lags.', PARTITION],
  kafka_topic_partition_leader_is_preferred: ['1: the first replica leads.', PARTITION],
  kafka_cluster_partition_underminisr: ['1: fewer replicas in sync than min.insync.replicas asks for.', PARTITION],
  kafka_cluster_partition_atminisr: ['1: one replica less in sync, and acks=all is refused.', PARTITION],
  kafka_cluster_partition_underreplicated: ['1: some replica lags.', PARTITION],
  kafka_cluster_partition_replicascount: ['Replicas.', PARTITION],
  kafka_cluster_partition_insyncreplicascount: ['Replicas in sync.', PARTITION],
  kafka_log_log_size: ['Bytes on disk.', PARTITION],
  kafka_log_log_logstartoffset: ['The first offset that is still there.', PARTITION],
  kafka_log_log_logendoffset: ['The next offset to be written.', PARTITION],
  kafka_server_replicamanager_leadercount: ['Partitions led here.', []],
  kafka_server_replicamanager_partitioncount: ['Partitions held here.', []],
  kafka_server_replicamanager_underreplicatedpartitions: ['Partitions led here whose replicas lag.', []],
  kafka_server_replicamanager_underminisrpartitioncount: [
    'Partitions led here that are below min.insync.replicas.',
    [],
  ],
  kafka_server_replicamanager_atminisrpartitioncount: ['Partitions led here that are at min.insync.replicas.', []],
  kafka_controller_kafkacontroller_activecontrollercount: ['1 on the controller, 0 on the other brokers.', []],
  kafka_controller_kafkacontroller_activebrokercount: ['Brokers of the cluster that are alive.', []],
  kafka_controller_kafkacontroller_fencedbrokercount: ['Brokers of the cluster that were declared gone.', []],
  kafka_controller_kafkacontroller_offlinepartitionscount: [
    'Partitions that cannot be served: on the controller those without a leader, on each broker those it leads on a failed disk.',
    [],
  ],
  kafka_consumergroup_members: ['Members of the group.', GROUP],
  kafka_consumergroup_current_offset: ['The committed offset.', GROUP_PARTITION],
  kafka_consumergroup_current_offset_sum: ['Committed offsets, added up.', GROUP_TOPIC],
  kafka_consumergroup_lag: ['Records not yet read.', GROUP_PARTITION],
  kafka_consumergroup_lag_sum: ['Records not yet read, added up.', GROUP_TOPIC],
  kafka_consumergroup_lag_seconds: ['How long the oldest record not yet read has been waiting.', GROUP_PARTITION],
  milepost_log_failed_partitions: [
    'Partitions that take no more records since their disk failed, until a restart.',
    [],
  ],
  milepost_storage_disk_free_bytes: ['Free on the disk that holds the log.', []],
  milepost_storage_disk_total_bytes: ['Size of the disk that holds the log.', []],
} as const satisfies Record<string, readonly [help: string, labelNames: readonly string[]]>;
type GaugeName = keyof typeof gauges;

export class BrokerGauges {
  readonly #sources: GaugeSources;
  readonly #gauges: Readonly<Record<GaugeName, Gauge>>;
  /** Kept from scrape to scrape: see GaugeFamily of libs/telemetry. */
  readonly #labels = new LabelSets();
  readonly #rebalances: Counter;
  #groups = new Set<string>();
  #closed = false;

  constructor(meter: Meter, sources: GaugeSources) {
    this.#sources = sources;
    const made = Object.entries(gauges).map(([name, [help, labels]]) => [name, meter.gauge(name, help, labels)]);
    this.#gauges = Object.fromEntries(made) as Record<GaugeName, Gauge>;
    this.#rebalances = meter.counter('milepost_group_rebalances_total', 'Rebalances begun, by group and reason.', [
      'consumergroup',
      'reason',
    ]);
    meter.onScrape(() => this.#collect());
  }

  close(): void {
    this.#closed = true;
  }

  /**
   * Groups first, because they take a turn or more; the rest is from the moment after, so that no group is ahead of the
   * log.
   */
  async #collect(): Promise<void> {
    if (this.#closed) return;
    const groups = await this.#sources.groupsSnapshot();
    if (this.#closed) return;
    const topics = this.#sources.topics();
    this.#collectBrokers();
    this.#collectDisk();
    const minIsrOf = this.#minIsr();
    for (const topic of topics) this.#collectTopic(topic, minIsrOf(topic));
    this.#collectReplicas(topics, minIsrOf);
    const ends = endsOf(topics);
    for (const group of groups) this.#collectGroup(group, ends);
    this.#keepRebalances(new Set(groups.map(({ groupId }) => groupId)));
    for (const gauge of Object.values(this.#gauges)) gauge.sweep();
    this.#labels.sweep();
    this.#sources.lagTimes.endRound();
  }

  #collectBrokers(): void {
    const image = this.#sources.image();
    const alive = aliveBrokers(image);
    this.#set('kafka_brokers', {}, alive.length);
    for (const { id, host, port } of alive)
      this.#set('kafka_broker_info', { id: String(id), address: `${host}:${port}` }, 1);
    this.#set('kafka_controller_kafkacontroller_activecontrollercount', {}, this.#isController ? 1 : 0);
    this.#set('kafka_controller_kafkacontroller_activebrokercount', {}, alive.length);
    this.#set('kafka_controller_kafkacontroller_fencedbrokercount', {}, image.brokers.size - alive.length);
  }

  get #isController(): boolean {
    return livingController(this.#sources.image()) === this.#sources.brokerId;
  }

  #collectDisk(): void {
    const { freeBytes, totalBytes } = this.#sources.diskSpace();
    this.#set('milepost_storage_disk_free_bytes', {}, freeBytes);
    this.#set('milepost_storage_disk_total_bytes', {}, totalBytes);
  }

  #collectTopic({ name: topic, partitions }: TopicSnapshot, minIsr: number): void {
    this.#set('kafka_topic_partitions', { topic }, partitions.length);
    for (const partition of partitions)
      this.#collectPartition(this.#labels.of(undefined, topic, partition.index), partition, minIsr);
  }

  #collectPartition(labels: Labels, { leader, replicas, isr, log }: PartitionSnapshot, minIsr: number): void {
    const isLed = leader === this.#sources.brokerId;
    const isBehind = isr.length < replicas.length ? 1 : 0;
    if (isLed || (leader < 0 && this.#isController)) {
      this.#set('kafka_topic_partition_leader', labels, leader);
      this.#set('kafka_topic_partition_replicas', labels, replicas.length);
      this.#set('kafka_topic_partition_in_sync_replica', labels, isr.length);
      this.#set('kafka_topic_partition_under_replicated_partition', labels, isBehind);
      this.#set('kafka_topic_partition_leader_is_preferred', labels, leader === replicas[0] ? 1 : 0);
    }
    if (!log) return;
    this.#set('kafka_log_log_size', labels, log.sizeBytes);
    this.#set('kafka_log_log_logstartoffset', labels, log.logStartOffset);
    this.#set('kafka_log_log_logendoffset', labels, log.logEndOffset);
    if (!isLed) return;
    const enough = Math.min(minIsr, replicas.length);
    this.#set('kafka_topic_partition_current_offset', labels, log.highWatermark);
    this.#set('kafka_topic_partition_oldest_offset', labels, log.logStartOffset);
    this.#set('kafka_cluster_partition_underminisr', labels, isr.length < enough ? 1 : 0);
    this.#set('kafka_cluster_partition_atminisr', labels, isr.length === enough ? 1 : 0);
    this.#set('kafka_cluster_partition_underreplicated', labels, isBehind);
    this.#set('kafka_cluster_partition_replicascount', labels, replicas.length);
    this.#set('kafka_cluster_partition_insyncreplicascount', labels, isr.length);
  }

  #collectReplicas(topics: readonly TopicSnapshot[], minIsrOf: (topic: TopicSnapshot) => number): void {
    const { brokerId } = this.#sources;
    const isController = this.#isController;
    const counts = { led: 0, held: 0, behind: 0, tooFew: 0, justEnough: 0, offline: 0, failed: 0 };
    for (const topic of topics) {
      const minIsr = minIsrOf(topic);
      for (const { leader, replicas, isr, log } of topic.partitions) {
        const isLed = leader === brokerId;
        const enough = Math.min(minIsr, replicas.length);
        if (isLed) counts.led++;
        if (replicas.includes(brokerId)) counts.held++;
        if (isLed && isr.length < replicas.length) counts.behind++;
        if (isLed && isr.length < enough) counts.tooFew++;
        if (isLed && isr.length === enough) counts.justEnough++;
        if ((leader < 0 && isController) || (isLed && (!log || log.isFailed))) counts.offline++;
        if (log?.isFailed) counts.failed++;
      }
    }
    this.#set('kafka_server_replicamanager_leadercount', {}, counts.led);
    this.#set('kafka_server_replicamanager_partitioncount', {}, counts.held);
    this.#set('kafka_server_replicamanager_underreplicatedpartitions', {}, counts.behind);
    this.#set('kafka_server_replicamanager_underminisrpartitioncount', {}, counts.tooFew);
    this.#set('kafka_server_replicamanager_atminisrpartitioncount', {}, counts.justEnough);
    this.#set('kafka_controller_kafkacontroller_offlinepartitionscount', {}, counts.offline);
    this.#set('milepost_log_failed_partitions', {}, counts.failed);
  }

  #collectGroup({ groupId: consumergroup, members, offsets }: GroupSnapshot, ends: Ends): void {
    this.#set('kafka_consumergroup_members', { consumergroup }, members.length);
    const sums = new Map<string, { offset: number; lag: number }>();
    for (const { topic, partition, offset } of offsets) {
      const end = ends.get(topic)?.[partition];
      const lag = end === undefined ? undefined : Math.max(0, end - offset);
      const labels = this.#labels.of(consumergroup, topic, partition);
      this.#set('kafka_consumergroup_current_offset', labels, offset);
      if (lag !== undefined) {
        const behindSeconds = this.#sources.lagTimes.secondsBehind(consumergroup, topic, partition, offset);
        this.#set('kafka_consumergroup_lag', labels, lag);
        this.#set('kafka_consumergroup_lag_seconds', labels, behindSeconds);
      }
      const sum = sums.get(topic) ?? { offset: 0, lag: 0 };
      sums.set(topic, { offset: sum.offset + offset, lag: sum.lag + (lag ?? 0) });
    }
    for (const [topic, { offset, lag }] of sums) {
      this.#set('kafka_consumergroup_current_offset_sum', { consumergroup, topic }, offset);
      this.#set('kafka_consumergroup_lag_sum', { consumergroup, topic }, lag);
    }
  }

  /** A group's counters exist before its first rebalance is counted, and are removed with it. */
  #keepRebalances(groups: Set<string>): void {
    for (const consumergroup of groups)
      for (const reason of REBALANCE_REASONS) this.#rebalances.add(0, { consumergroup, reason });
    for (const consumergroup of this.#groups)
      if (!groups.has(consumergroup))
        for (const reason of REBALANCE_REASONS) this.#rebalances.remove({ consumergroup, reason });
    this.#groups = groups;
  }

  #minIsr(): (topic: TopicSnapshot) => number {
    const byDefault = this.#sources.defaultMinIsr();
    return ({ configs }) => Number(configs['min.insync.replicas'] ?? byDefault);
  }

  #set(name: GaugeName, labels: Labels, value: number): void {
    this.#gauges[name].set(value, labels);
  }
}

/** High watermarks by topic and partition. */
type Ends = ReadonlyMap<string, readonly (number | undefined)[]>;

const endsOf = (topics: readonly TopicSnapshot[]): Ends =>
  new Map(topics.map(({ name, partitions }) => [name, partitions.map(({ log }) => log?.highWatermark)]));

/** The label objects of partitions, by group and topic; those that a scrape did not use are dropped. */
class LabelSets {
  #previous = new Map<string, Labels[]>();
  #current = new Map<string, Labels[]>();

  of(consumergroup: string | undefined, topic: string, partition: number): Labels {
    const key = `${consumergroup ?? ''}\u0000${topic}`;
    let labels = this.#current.get(key);
    if (!labels) this.#current.set(key, (labels = this.#previous.get(key) ?? []));
    return (labels[partition] ??= {
      ...(consumergroup === undefined ? {} : { consumergroup }),
      topic,
      partition: String(partition),
    });
  }

  sweep(): void {
    this.#previous = this.#current;
    this.#current = new Map();
  }
}
