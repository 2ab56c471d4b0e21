import { check } from '../../support/run.ts';
import { type ClusterCase, librdkafka, prove, underLoad } from '../cluster-case.ts';

export const wiped: ClusterCase = {
  name: 'wiped',
  claim: 'a broker whose disk is lost is refused in one line, and copies everything again once that is confirmed',
  needs: [librdkafka],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    const broker = cluster.broker(await cluster.controller());
    await broker.kill();
    broker.wipe();
    await load.goesOn();
    const { status, log } = await broker.refused();
    const confirmation = /MILEPOST_ACCEPT_LOST_LOG=(\d+)/.exec(log);
    check(status === 1 && confirmation !== null, 'the empty folder is refused, with the cure', `${status}: ${log}`);
    await broker.start({ MILEPOST_ACCEPT_LOST_LOG: confirmation[1] ?? '' });
    await cluster.settled();
    note(`broker ${broker.id} has all replicas again`);
    await load.goesOn();
    await prove(cluster, load, note);
  },
};
