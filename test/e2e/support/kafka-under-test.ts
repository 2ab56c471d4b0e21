// The Kafka of the main job's tests: our broker inside the appliance, or another one if TEST_KAFKA is set. TEST_KAFKA
// holds Milepost's own settings for it, as JSON: {"MILEPOST_BOOTSTRAP_SERVERS":"127.0.0.1:9092"}. test/on-kafka starts
// an Apache Kafka and sets it.
import { readSettings } from '@milepost/settings';
import type { KafkaAddress } from '@milepost/streams';
import { kafkaAddress } from '../../../apps/chassis/src/kafka-address.ts';
import type { Program } from './program.ts';

/** For the environment of the programs. */
export const kafkaSettings = JSON.parse(process.env['TEST_KAFKA'] ?? '{}') as Readonly<Record<string, string>>;

const isForeign = Object.keys(kafkaSettings).length > 0;

export const kafkaOf = ({ ports }: Program): KafkaAddress =>
  isForeign ? kafkaAddress(readSettings('gateway', kafkaSettings)) : { bootstrapServers: [`127.0.0.1:${ports.kafka}`] };
