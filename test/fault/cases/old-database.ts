// The database of a backup beside a log that has continued: the result of restoring only the database, or of a failover
// that loses the last commits.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../support/program.ts';
import { check, command } from '../../support/run.ts';
import type { FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Load, verify } from '../support/load.ts';

export const oldDatabase: FaultCase = {
  name: 'old-database',
  claim: 'an older database beside a newer log loses nothing that was acknowledged, before or after, and is named once',
  async run() {
    const appliance = await Appliance.start();
    await life(appliance, 0);
    await appliance.stop();
    const [database, copy] = [join(appliance.folder, 'postgres'), join(dataFolder(), 'postgres')];
    await copyFolder(database, copy);

    await appliance.start();
    const second = await life(appliance, 1_000_000);
    await appliance.stop();
    rmSync(database, { recursive: true });
    await copyFolder(copy, database);

    await appliance.start();
    const warnings = appliance.log.split('\n').filter((line) => line.includes('"level":"warn"'));
    check(
      warnings.some((line) => /database/i.test(line)),
      'a line says that the database went back',
      warnings,
    );
    const third = await life(appliance, 2_000_000);
    await verify(second, appliance);
    await verify(third, appliance);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};

/** With its owner, which is the server's user and not root. */
async function copyFolder(from: string, to: string): Promise<void> {
  const { status, stderr } = await command('cp', ['-a', from, to]);
  check(status === 0, `a copy of ${from}`, stderr);
}

/** Some load; returns what it knows to be stored. */
async function life(appliance: Appliance, firstNumber: number) {
  const load = await Load.start(appliance, firstNumber);
  await load.goesOn();
  await load.stop();
  return load.acknowledged();
}
