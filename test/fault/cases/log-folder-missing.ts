import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { check } from '../../support/run.ts';
import type { FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Load, verify } from '../support/load.ts';

export const logFolderMissing: FaultCase = {
  name: 'log-folder-missing',
  claim: 'a log folder that is not mounted is named and the start refused; mounted again, nothing is missing',
  async run() {
    const appliance = await Appliance.start();
    const load = await Load.start(appliance);
    await load.goesOn();
    await load.stop();
    await appliance.stop();
    const log = join(appliance.folder, 'log');
    renameSync(log, `${log}.unmounted`);
    const { status, log: lines } = await appliance.refused();
    check(status === 1, 'the start is refused', status);
    check(lines.includes(log) && !/\n {4}at /.test(lines), 'one line names the folder', lines);
    const made = existsSync(log) ? readdirSync(log).filter((name) => !name.startsWith('.')) : [];
    check(made.length === 0, 'no new log is begun', made);
    if (existsSync(log)) renameSync(log, `${log}.refused`);
    renameSync(`${log}.unmounted`, log);
    await appliance.start();
    await verify(load.acknowledged(), appliance);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};
