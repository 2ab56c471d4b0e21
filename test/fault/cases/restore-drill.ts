// Backups at random moments under load. After each the load continues, everything is killed, and the backup is restored
// into an empty folder and compared with what clients knew to be stored when it began.
import { join } from 'node:path';
import { PostgresServer } from '../../support/postgres-server.ts';
import { cleanUpWith, dataFolder, Program } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import { type FaultCase, type FaultContext, postgresServer } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { compareSegments } from '../support/compare-segments.ts';
import { type Acknowledged, Load, verify } from '../support/load.ts';

/** The database of a round, and the one to restore into. */
type NewDatabase = () => Promise<Readonly<Record<string, string>>>;

export const restoreEmbedded: FaultCase = {
  name: 'restore-embedded',
  claim: 'a backup taken under load, restored into an empty folder, has all that was acknowledged when it began',
  rounds: 2,
  run: (context) => drill(context, () => Promise.resolve({})),
};

export const restoreExternal: FaultCase = {
  name: 'restore-external',
  claim: "the same with the user's own PostgreSQL, into an empty database of it",
  needs: [postgresServer],
  rounds: 2,
  run: async (context) => {
    const postgres = await PostgresServer.start(join(dataFolder(), 'postgres'));
    cleanUpWith(() => postgres.kill());
    let databases = 0;
    await drill(context, async () => ({ DATABASE_URL: await postgres.createDatabase(`drill_${++databases}`) }));
  },
};

async function drill({ rounds, note }: FaultContext, newDatabase: NewDatabase): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const source = await Appliance.start({ ...SMALL_SEGMENTS, ...(await newDatabase()) });
    const load = await Load.start(source);
    await load.untilRandomMoment(3_000);
    const before = load.acknowledged();
    const backup = join(dataFolder(), 'backup');
    await milepost(source.settings, 'backup', backup);
    await load.goesOn();
    await load.stop();
    await source.kill();
    const restored = await Appliance.make({ ...SMALL_SEGMENTS, ...(await newDatabase()) });
    await milepost(restored.settings, 'restore', backup);
    const segments = compareSegments(restored.folder, source.folder);
    await restored.start();
    check(!/"level":"(warn|error)"/.test(restored.log), 'a start without a warning', restored.log);
    await verify(before, restored);
    await goesOn(restored, before);
    check((await restored.stop()) === 0, 'a clean stop', restored.log);
    note(
      `round ${round} of ${rounds}: ${described(before)}; ${segments} segments are those of the source, byte for byte`,
    );
  }
}

/** Small segments, so that rolls, and deletions by the cleaner, happen during the copies. */
const SMALL_SEGMENTS = { KAFKA_LOG_ROLL_MS: '500', KAFKA_LOG_CLEANER_BACKOFF_MS: '200' };

/** New producers and the old group work on it, and no existing offset is reused. */
async function goesOn(restored: Appliance, before: Acknowledged): Promise<void> {
  const load = await Load.start(restored);
  await load.goesOn();
  await load.stop();
  const { records } = load.acknowledged();
  for (const [partition, now] of records.entries()) {
    const first = Math.min(...now.map(({ offset }) => offset));
    const last = before.records[partition]?.at(-1)?.offset ?? -1;
    check(first > last, `partition ${partition}: new records come behind offset ${last}`, first);
  }
}

async function milepost(settings: Readonly<Record<string, string>>, command: string, folder: string): Promise<void> {
  const { status, log } = await Program.run('cli', settings, [command, folder]);
  check(status === 0, `milepost ${command} succeeds`, log);
}

const described = ({ records, positions, committed }: Acknowledged): string => {
  const count = (lists: Iterable<readonly unknown[]>): number =>
    [...lists].reduce((sum, { length }) => sum + length, 0);
  return `${count(records)} records, ${count(positions.values())} positions, commits up to ${committed.join()}`;
};
