import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import { faketime, faketimeLibrary, type FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Fleet } from '../support/fleet.ts';

/** In libfaketime's format; each is relative to the true time. */
const JUMPS = ['+1d', '-1d', '+3650d', '-3650d', '+3600', '+0'];
const TRUCKS = 3;

export const clockJumps: FaultCase = {
  name: 'clock-jumps',
  claim: 'whatever the wall clock says, trucks are acknowledged and the map shows where they were last',
  needs: [faketime],
  async run({ note }) {
    const clock = join(dataFolder(), 'clock');
    const set = (jump: string): void => {
      writeFileSync(`${clock}.new`, `${jump}\n`);
      renameSync(`${clock}.new`, clock);
    };
    set('+0');
    const appliance = await Appliance.start({
      LD_PRELOAD: faketimeLibrary() ?? '',
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_RESET: '1',
      DONT_FAKE_MONOTONIC: '1',
    });
    const fleet = Fleet.start(appliance, TRUCKS);
    for (const jump of ['+0', ...JUMPS]) {
      set(jump);
      await fleet.goesOn();
      await fleet.isOnTheMap();
      note(jump);
    }
    await fleet.stop();
    await fleet.verify(appliance);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};
