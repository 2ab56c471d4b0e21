export * from './consumer.ts';
export { kafkaFailure, KafkaUnusable } from './failure.ts';
export * from './kafka-address.ts';
export * from './partitioner.ts';
export * from './producer.ts';
export * from './reach.ts';
export * from './read-back.ts';
export * from './record.ts';
export * from './topics.ts';
