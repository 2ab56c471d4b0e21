// Gauges under the names that existing Kafka dashboards know (kafka_exporter's and the JMX exporter's), set at each scrape
// from one snapshot. Lag is never negative, empty groups keep their series, what is deleted loses them.
import type { BrokerId, Gauge, Labels, Meter } from '@milepost/core';
import type { ClusterImage } from '@milepost/metadata';
import type { GroupSnapshot, PartitionSnapshot, TopicSnapshot } from './snapshots.ts';

export interface GaugeSources {
  readonly brokerId: BrokerId;
  readonly image: () => ClusterImage;
  readonly topics: () => TopicSnapshot[];
  readonly groupsSnapshot: () => Promise<GroupSnapshot[]>;
}

const PARTITION = ['topic', 'partition'] as const;
const GROUP = ['consumergroup'] as const;
const GROUP_PARTITION = ['consumergroup', 'topic', 'partition'] as const;

export class BrokerGauges {
  readonly #meter: Meter;
  readonly #sources: GaugeSources;
  readonly #gauges = new Map<string, GaugeSeries>();
  #closed = false;

  constructor(meter: Meter, sources: GaugeSources) {
    this.#meter = meter;
    this.#sources = sources;
    meter.onScrape(() => this.#collect());
  }

  close(): void {
    this.#closed = true;
  }

  async #collect(): Promise<void> {
    if (this.#closed) return;
    this.#collectBrokers();
    const topics = this.#sources.topics();
    for (const topic of topics) this.#collectTopic(topic);
    this.#collectReplicas(topics.flatMap(({ partitions }) => partitions));
    for (const group of await this.#sources.groupsSnapshot()) this.#collectGroup(group);
    for (const gauge of this.#gauges.values()) gauge.dropStale();
  }

  #collectBrokers(): void {
    const { brokers } = this.#sources.image();
    this.#set('kafka_brokers', 'Brokers of the cluster.', [], {}, brokers.size);
    for (const { id, host, port } of brokers.values())
      this.#set(
        'kafka_broker_info',
        'A broker; always 1.',
        ['id', 'address'],
        { id: String(id), address: `${host}:${port}` },
        1,
      );
  }

  #collectTopic({ name: topic, partitions }: TopicSnapshot): void {
    this.#set('kafka_topic_partitions', 'Partitions of the topic.', ['topic'], { topic }, partitions.length);
    for (const partition of partitions) this.#collectPartition(topic, partition);
  }

  #collectPartition(topic: string, { index, leader, replicas, isr, log }: PartitionSnapshot): void {
    const labels = { topic, partition: String(index) };
    const set = (name: string, help: string, value: number): void => this.#set(name, help, PARTITION, labels, value);
    set('kafka_topic_partition_leader', 'The broker that leads.', leader);
    set('kafka_topic_partition_replicas', 'Replicas.', replicas.length);
    set('kafka_topic_partition_in_sync_replica', 'Replicas in sync.', isr.length);
    set(
      'kafka_topic_partition_under_replicated_partition',
      '1: some replica lags.',
      isr.length < replicas.length ? 1 : 0,
    );
    set('kafka_topic_partition_leader_is_preferred', '1: the first replica leads.', leader === replicas[0] ? 1 : 0);
    if (!log) return;
    set(
      'kafka_topic_partition_current_offset',
      'The high watermark: the next offset to be committed.',
      log.highWatermark,
    );
    set('kafka_topic_partition_oldest_offset', 'The first offset that is still there.', log.logStartOffset);
    set('kafka_log_log_size', 'Bytes on disk.', log.sizeBytes);
    set('kafka_log_log_logstartoffset', 'The first offset that is still there.', log.logStartOffset);
    set('kafka_log_log_logendoffset', 'The next offset to be written.', log.logEndOffset);
  }

  #collectReplicas(partitions: readonly PartitionSnapshot[]): void {
    const { brokerId } = this.#sources;
    const led = partitions.filter(({ leader }) => leader === brokerId);
    const held = partitions.filter(({ replicas }) => replicas.includes(brokerId));
    const behind = led.filter(({ isr, replicas }) => isr.length < replicas.length);
    const set = (name: string, help: string, value: number): void =>
      this.#set(`kafka_server_replicamanager_${name}`, help, [], {}, value);
    set('leadercount', 'Partitions led here.', led.length);
    set('partitioncount', 'Partitions held here.', held.length);
    set('underreplicatedpartitions', 'Partitions led here whose replicas lag.', behind.length);
  }

  #collectGroup({ groupId: consumergroup, members, offsets }: GroupSnapshot): void {
    this.#set('kafka_consumergroup_members', 'Members of the group.', GROUP, { consumergroup }, members.length);
    const sums = new Map<string, { offset: number; lag: number }>();
    for (const { topic, partition, offset, lag } of offsets) {
      const labels = { consumergroup, topic, partition: String(partition) };
      this.#set('kafka_consumergroup_current_offset', 'The committed offset.', GROUP_PARTITION, labels, offset);
      this.#set('kafka_consumergroup_lag', 'Records not yet read.', GROUP_PARTITION, labels, lag ?? 0);
      const sum = sums.get(topic) ?? { offset: 0, lag: 0 };
      sums.set(topic, { offset: sum.offset + offset, lag: sum.lag + (lag ?? 0) });
    }
    for (const [topic, sum] of sums) {
      const labels = { consumergroup, topic };
      this.#set(
        'kafka_consumergroup_current_offset_sum',
        'Committed offsets, added up.',
        ['consumergroup', 'topic'],
        labels,
        sum.offset,
      );
      this.#set(
        'kafka_consumergroup_lag_sum',
        'Records not yet read, added up.',
        ['consumergroup', 'topic'],
        labels,
        sum.lag,
      );
    }
  }

  #set(name: string, help: string, labelNames: readonly string[], labels: Labels, value: number): void {
    let series = this.#gauges.get(name);
    if (!series) this.#gauges.set(name, (series = new GaugeSeries(this.#meter.gauge(name, help, labelNames))));
    series.set(labels, value);
  }
}

/** Remembers which label sets were set, so that those that were not set again are removed. */
class GaugeSeries {
  readonly #gauge: Gauge;
  #previous = new Map<string, Labels>();
  #current = new Map<string, Labels>();

  constructor(gauge: Gauge) {
    this.#gauge = gauge;
  }

  set(labels: Labels, value: number): void {
    this.#gauge.set(value, labels);
    this.#current.set(Object.values(labels).join('\u0000'), labels);
  }

  dropStale(): void {
    for (const [key, labels] of this.#previous) if (!this.#current.has(key)) this.#gauge.remove(labels);
    this.#previous = this.#current;
    this.#current = new Map();
  }
}
