// `milepost config`: every setting with its default and meaning, and the current value if one is set.
import { describeSettings, shown } from '@milepost/settings';

export function config(): void {
  for (const row of describeSettings()) {
    const { variable, fallback, meaning } = row;
    const set = process.env[variable];
    process.stdout.write(`${variable}=${set ? shown(row, set) : fallback}\n    ${meaning}\n`);
  }
  process.stdout.write(
    "Broker properties have Kafka's own names: KAFKA_NUM_PARTITIONS=4 is num.partitions=4 (_ is ., __ is _, ___ is -).\n",
  );
}
