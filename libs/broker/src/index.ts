export type { BrokerConfig } from './broker-config.ts';
export { type Broker, createBroker } from './create-broker.ts';
export type { GroupSnapshot, PartitionSnapshot, TopicSnapshot } from './telemetry/snapshots.ts';
