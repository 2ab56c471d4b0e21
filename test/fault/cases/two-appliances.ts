import { join } from 'node:path';
import { PostgresServer } from '../../support/postgres-server.ts';
import { cleanUpWith, dataFolder } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import { type FaultCase, postgresServer } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Load, verify } from '../support/load.ts';

export const twoAppliances: FaultCase = {
  name: 'two-appliances',
  claim: 'a second appliance on the database of a living one is refused in one line, and the first goes on undisturbed',
  needs: [postgresServer],
  async run() {
    const postgres = await PostgresServer.start(join(dataFolder(), 'postgres'));
    cleanUpWith(() => postgres.kill());
    const first = await Appliance.start({ DATABASE_URL: postgres.url() });
    const load = await Load.start(first);
    await load.goesOn();
    const second = await Appliance.make({ DATABASE_URL: postgres.url() });
    const { status, log } = await second.refused();
    check(status === 1, 'the second is refused', `${status}: ${log}`);
    check(log.includes(first.folder) || log.includes(String(first.ports.kafka)), 'its line names the first', log);
    check(!/\n {4}at /.test(log), 'without a stack trace', log);
    await load.goesOn();
    await load.stop();
    await verify(load.acknowledged(), first);

    // A crashed one's successor, on its own folder, acquires the id.
    await first.killNode();
    await first.start();
    await verify(load.acknowledged(), first);
    check((await first.stop()) === 0, 'a clean stop', first.log);
  },
};
