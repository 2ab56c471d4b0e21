// `milepost topics`: the topics, their partitions and leaders. `none` stands for partitions without a leader.
import { table, withAdmin } from './kafka.ts';

export async function topics(): Promise<void> {
  await withAdmin(async (admin) => {
    const names = (await admin.listTopics({ includeInternals: true })).sort();
    if (names.length === 0) return void process.stdout.write('no topics yet\n');
    const metadata = await admin.metadata({ topics: names, autocreateTopics: false });
    const rows = names.map((name) => {
      const partitions = metadata.topics.get(name)?.partitions ?? [];
      const leaders = [...new Set(partitions.map(({ leader }) => (leader < 0 ? 'none' : String(leader))))].join(',');
      return [name, String(partitions.length), String(partitions[0]?.replicas.length ?? 0), leaders];
    });
    process.stdout.write(table([['TOPIC', 'PARTITIONS', 'REPLICAS', 'LEADERS'], ...rows]));
  });
}
