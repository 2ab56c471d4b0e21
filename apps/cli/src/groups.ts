// `milepost groups`: the consumer groups, their state, members and lag. Partitions that fail are named below.
import { KafkaOperations } from '../../dashboard/src/operations.ts';
import { table, withKafka } from './kafka.ts';
import { say } from './words.ts';

export async function groups(): Promise<void> {
  await withKafka(async (kafka) => {
    const operations = new KafkaOperations(() => kafka);
    try {
      const found = await operations.groups();
      if (found.length === 0) return void process.stdout.write('no groups yet\n');
      const rows = found.map(({ id, state, members, lag, topics }) => [
        id,
        state,
        String(members),
        String(lag),
        topics.join(','),
      ]);
      process.stdout.write(table([['GROUP', 'STATE', 'MEMBERS', 'LAG', 'TOPICS'], ...rows]));
      const failed = new Map(
        found.flatMap((group) => group.failed.map((at) => [`${at.topic}-${at.partition}`, at.error] as const)),
      );
      for (const [partition, error] of failed) say(`${partition}: ${error}; the lag is without this partition`);
    } finally {
      await operations.close();
    }
  });
}
