// `milepost groups`: the consumer groups, their state, members and lag.
import { KafkaOperations } from '../../dashboard/src/operations.ts';
import { table, withKafka } from './kafka.ts';

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
    } finally {
      await operations.close();
    }
  });
}
