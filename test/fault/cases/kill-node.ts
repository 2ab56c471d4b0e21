import type { FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { Load, verify } from '../support/load.ts';
import { check } from '../../support/run.ts';

export const killNode: FaultCase = {
  name: 'kill-node',
  claim: 'kill -9 of the appliance under load loses and reorders nothing, and all clients go on by themselves',
  rounds: 4,
  async run({ rounds, note }) {
    const appliance = await Appliance.start();
    const load = await Load.start(appliance);
    for (let round = 1; round <= rounds; round++) {
      await load.untilRandomMoment();
      await appliance.killNode();
      await appliance.start();
      note(`round ${round} of ${rounds}`);
    }
    await load.goesOn();
    await load.stop();
    await verify(load.acknowledged(), appliance);
    check(load.skipped().length === 0, 'the group has read all that it committed', load.skipped().slice(0, 5));
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};
