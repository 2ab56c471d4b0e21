// `milepost groups`: the consumer groups, their state and members.
import { table, withAdmin } from './kafka.ts';

export async function groups(): Promise<void> {
  await withAdmin(async (admin) => {
    const found = await admin.listGroups();
    if (found.size === 0) return void process.stdout.write('no groups yet\n');
    const described = await admin.describeGroups({ groups: [...found.keys()] });
    const rows = [...described.values()].map(({ id, state, protocolType, members }) => [
      id,
      String(state),
      protocolType,
      String(members.size),
    ]);
    process.stdout.write(table([['GROUP', 'STATE', 'TYPE', 'MEMBERS'], ...rows]));
  });
}
