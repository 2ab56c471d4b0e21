// The log and those who read it: requests, disk, partitions, consumer groups.
import { type DashboardPlan, quantile, rateOf } from './panels.ts';

export const brokerAndGroups: DashboardPlan = {
  uid: 'milepost-broker-and-groups',
  title: 'Milepost / Broker and groups',
  description: 'The partitioned log: is it well, is its disk, and does everybody keep up who reads it.',
  rows: [
    {
      title: 'At a glance',
      stats: [
        {
          title: 'Ready',
          description: 'Programs that can do their work. Good: all of them.',
          unit: 'short',
          queries: { ready: 'sum(milepost_ready{$filter})', 'not ready': 'sum(1 - milepost_ready{$filter})' },
        },
        {
          title: 'Offline partitions',
          description: 'Partitions that nobody can serve. Good: 0.',
          unit: 'short',
          queries: { offline: 'sum(kafka_controller_kafkacontroller_offlinepartitionscount{$filter})' },
          thresholds: [1, 1],
        },
        {
          title: 'Disk free',
          description: 'Of the fullest disk. Good: above 20 %.',
          unit: 'percentunit',
          queries: {
            free: 'min(milepost_storage_disk_free_bytes{$filter} / milepost_storage_disk_total_bytes{$filter})',
          },
          thresholds: [0.1, 0.2],
          falling: true,
        },
        {
          title: 'Fsync p99',
          description: 'A group commit of a log. Good: below 50 ms; every PUBACK waits for one.',
          unit: 's',
          queries: { p99: quantile(0.99, 'milepost_log_fsync_duration_seconds') },
          thresholds: [0.05, 0.5],
        },
        {
          title: 'Worst lag',
          description: 'How long the oldest unread record of any group has waited. Good: below 5 s.',
          unit: 's',
          queries: { lag: 'max(kafka_consumergroup_lag_seconds{$filter})' },
          thresholds: [5, 60],
        },
        {
          title: 'Last recovery',
          description: 'How long the last start took to open all logs. Good: below 1 s after a clean stop.',
          unit: 's',
          queries: { recovery: 'max(milepost_log_recovery_seconds{$filter})' },
        },
      ],
    },
    {
      title: 'Traffic',
      graphs: [
        {
          title: 'Records in by topic',
          description: 'Good: as the fleet drives.',
          unit: 'ops',
          queries: { '{{topic}}': rateOf('kafka_server_brokertopicmetrics_messagesin_total', 'topic') },
        },
        {
          title: 'Bytes by topic',
          description: 'Out is in times the number of groups while everybody keeps up.',
          unit: 'Bps',
          queries: {
            '{{topic}} in': rateOf('kafka_server_brokertopicmetrics_bytesin_total', 'topic'),
            '{{topic}} out': rateOf('kafka_server_brokertopicmetrics_bytesout_total', 'topic'),
          },
        },
        {
          title: 'Requests by API',
          description: 'Good: steady. Many a second of Metadata or JoinGroup is a client in a loop.',
          unit: 'reqps',
          queries: { '{{request}}': rateOf('kafka_network_requestmetrics_requests_total', 'request') },
        },
        {
          title: 'Request latency p99',
          description:
            'Waits included: Fetch waits for records by design, JoinGroup for the group. Good: Produce below 100 ms.',
          unit: 's',
          queries: { '{{api}}': quantile(0.99, 'milepost_kafka_request_duration_seconds', 'api') },
        },
        {
          title: 'Errors answered',
          description: 'Good: none but MEMBER_ID_REQUIRED and REBALANCE_IN_PROGRESS, which are part of joining.',
          unit: 'ops',
          queries: { '{{api}} {{error}}': rateOf('milepost_kafka_request_errors_total', 'api, error') },
        },
        {
          title: 'Refused partitions of requests',
          description: 'Good: none.',
          unit: 'ops',
          queries: {
            'produce {{topic}}': rateOf('kafka_server_brokertopicmetrics_failedproducerequests_total', 'topic'),
            'fetch {{topic}}': rateOf('kafka_server_brokertopicmetrics_failedfetchrequests_total', 'topic'),
          },
        },
      ],
    },
    {
      title: 'Disk',
      graphs: [
        {
          title: 'Fsync latency',
          description: 'Group commits. Good: p99 below 50 ms on an SSD.',
          unit: 's',
          queries: {
            p50: quantile(0.5, 'milepost_log_fsync_duration_seconds'),
            p99: quantile(0.99, 'milepost_log_fsync_duration_seconds'),
          },
        },
        {
          title: 'Free',
          description: 'Good: level, as retention lets go what comes in.',
          unit: 'bytes',
          queries: { '{{instance}}': 'milepost_storage_disk_free_bytes{$filter}' },
        },
        {
          title: 'Size by topic',
          description: 'Good: grows to what retention keeps, then level.',
          unit: 'bytes',
          queries: { '{{topic}}': 'sum by (topic) (kafka_log_log_size{$filter})' },
        },
      ],
    },
    {
      title: 'Cluster',
      stats: [
        {
          title: 'Under-replicated',
          description: 'Partitions with a replica that is not in sync. Good: 0 but around restarts.',
          unit: 'short',
          queries: { partitions: 'sum(kafka_server_replicamanager_underreplicatedpartitions{$filter})' },
          thresholds: [1, 1_000_000],
        },
        {
          title: 'Below min.insync.replicas',
          description: 'Partitions that refuse acks=all. Good: 0.',
          unit: 'short',
          queries: { partitions: 'sum(kafka_server_replicamanager_underminisrpartitioncount{$filter})' },
          thresholds: [1, 1],
        },
        {
          title: 'Brokers',
          description: 'Alive, as the brokers see each other. Good: all of them.',
          unit: 'short',
          queries: { alive: 'max(kafka_controller_kafkacontroller_activebrokercount{$filter})' },
        },
        {
          title: 'Controllers',
          description: 'Good: exactly one.',
          unit: 'short',
          queries: { controllers: 'sum(kafka_controller_kafkacontroller_activecontrollercount{$filter})' },
          thresholds: [1, 1],
          falling: true,
        },
      ],
      graphs: [
        {
          title: 'Partitions without all of their replicas',
          description: 'Good: none but around restarts; offline ones have no leader.',
          unit: 'short',
          queries: {
            'under-replicated': 'sum(kafka_server_replicamanager_underreplicatedpartitions{$filter})',
            'below min.insync.replicas': 'sum(kafka_server_replicamanager_underminisrpartitioncount{$filter})',
            offline: 'sum(kafka_controller_kafkacontroller_offlinepartitionscount{$filter})',
          },
        },
        {
          title: 'Partitions led',
          description: 'Good: as many on every broker; some minutes after a restart too.',
          unit: 'short',
          queries: { '{{instance}}': 'sum by (instance) (kafka_server_replicamanager_leadercount{$filter})' },
        },
        {
          title: 'Brokers and controller',
          description: 'As the brokers see each other. Good: none gone, and exactly one controller.',
          unit: 'short',
          queries: {
            alive: 'max(kafka_controller_kafkacontroller_activebrokercount{$filter})',
            gone: 'max(kafka_controller_kafkacontroller_fencedbrokercount{$filter})',
            controllers: 'sum(kafka_controller_kafkacontroller_activecontrollercount{$filter})',
          },
        },
        {
          title: 'Changes of in-sync replicas',
          description: 'Replicas that fell behind, and that caught up again. Good: none but around restarts.',
          unit: 'ops',
          queries: {
            shrinks: 'sum(rate(kafka_server_replicamanager_isrshrinks_total{$filter}[$__rate_interval]))',
            expansions: 'sum(rate(kafka_server_replicamanager_isrexpands_total{$filter}[$__rate_interval]))',
          },
        },
      ],
    },
    {
      title: 'Consumer groups',
      graphs: [
        {
          title: 'Lag in seconds',
          description: 'How long the oldest unread record has waited. Good: below 5 s.',
          unit: 's',
          queries: {
            '{{consumergroup}} {{topic}}': 'max by (consumergroup, topic) (kafka_consumergroup_lag_seconds{$filter})',
          },
        },
        {
          title: 'Lag in records',
          description: 'Good: small against the records a second.',
          unit: 'short',
          queries: {
            '{{consumergroup}} {{topic}}': 'sum by (consumergroup, topic) (kafka_consumergroup_lag{$filter})',
          },
        },
        {
          title: 'Committed a second',
          description: 'Good: as the records that come in.',
          unit: 'ops',
          queries: {
            '{{consumergroup}} {{topic}}':
              'sum by (consumergroup, topic) (deriv(kafka_consumergroup_current_offset{$filter}[$__rate_interval]))',
          },
        },
        {
          title: 'Members',
          description: 'Good: as many as are meant to run. 0: a group that nobody serves, its lag grows.',
          unit: 'short',
          queries: { '{{consumergroup}}': 'max by (consumergroup) (kafka_consumergroup_members{$filter})' },
        },
        {
          title: 'Partitions that a group cannot read',
          description: 'Their trucks stand still on the map, or raise no alerts. Good: none.',
          unit: 'short',
          queries: {
            '{{consumergroup}} {{instance}}':
              'max by (consumergroup, instance) (milepost_consumer_failed_partitions{$filter})',
          },
        },
        {
          title: 'Rebalances by reason',
          description:
            'Good: at deployments only. session_expired again and again: a consumer too slow for its session.',
          unit: 'ops',
          queries: {
            '{{consumergroup}} {{reason}}': rateOf('milepost_group_rebalances_total', 'consumergroup, reason'),
          },
        },
      ],
    },
    {
      title: 'Process',
      graphs: [
        {
          title: 'CPU',
          description: 'Cores in use. Good: well below 1, as one loop serves all.',
          unit: 'short',
          queries: { '{{instance}}': 'rate(process_cpu_seconds_total{$filter}[$__rate_interval])' },
        },
        {
          title: 'Memory',
          description: 'Resident. Good: level.',
          unit: 'bytes',
          queries: { '{{instance}}': 'process_resident_memory_bytes{$filter}' },
        },
        {
          title: 'Event loop delay p99',
          description: 'How late a turn of the loop begins. Good: below 50 ms.',
          unit: 's',
          queries: { '{{instance}}': 'nodejs_eventloop_lag_p99_seconds{$filter}' },
        },
      ],
    },
  ],
};
