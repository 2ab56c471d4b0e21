export * from './consumer.ts';
export { kafkaFailure } from './failure.ts';
export * from './partitioner.ts';
export * from './producer.ts';
export * from './read-back.ts';
export * from './record.ts';
export * from './topics.ts';
