import { PostgresServer } from '../../support/postgres-server.ts';
import { until } from '../../e2e/support/until.ts';
import { cleanUpWith, dataFolder } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import { join } from 'node:path';
import { type FaultCase, type FaultContext, postgresServer } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Load, verify } from '../support/load.ts';

export const killEmbeddedPostgres: FaultCase = {
  name: 'kill-embedded-postgres',
  claim: 'kill -9 of the embedded PostgreSQL under load loses nothing, and commits go on by themselves',
  rounds: 4,
  async run(context) {
    const appliance = await Appliance.start();
    // Positions are acknowledged without it: the next moment may come before it has started again.
    await killUnderLoad(context, appliance, async () => {
      await until('a PostgreSQL that can be killed', () => appliance.killPostgres());
    });
  },
};

export const killExternalPostgres: FaultCase = {
  name: 'kill-external-postgres',
  claim: "kill -9 of the user's PostgreSQL under load loses nothing, and commits go on when it is back",
  needs: [postgresServer],
  rounds: 4,
  async run(context) {
    const postgres = await PostgresServer.start(join(dataFolder(), 'postgres'));
    cleanUpWith(() => postgres.kill());
    const appliance = await Appliance.start({ DATABASE_URL: postgres.url() });
    await killUnderLoad(context, appliance, async () => {
      await postgres.kill();
      await postgres.startAgain();
    });
  },
};

async function killUnderLoad(
  { rounds, note }: FaultContext,
  appliance: Appliance,
  kill: () => Promise<void>,
): Promise<void> {
  const load = await Load.start(appliance);
  for (let round = 1; round <= rounds; round++) {
    await load.untilRandomMoment();
    await kill();
    note(`round ${round} of ${rounds}`);
  }
  await load.goesOn();
  await load.stop();
  await verify(load.acknowledged(), appliance);
  check(load.skipped().length === 0, 'the group has read all that it committed', load.skipped().slice(0, 5));
  check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
}
