import { check } from '../../support/run.ts';
import { type ClusterCase, librdkafka, prove, underLoad } from '../cluster-case.ts';

export const drain: ClusterCase = {
  name: 'drain',
  claim:
    'a broker that is drained before it stops waits until the others have enough replicas in sync, and then costs no send',
  needs: [librdkafka],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    const [away, stopping] = [cluster.broker(1), cluster.broker(2)];
    await away.stop();
    const early = await stopping.milepost('drain', '--seconds', '1');
    check(
      early.status === 1 && /not drained after 1 s: without broker 2 \S+-\d+ would have/.test(early.log),
      'it waits',
      early,
    );
    const draining = stopping.milepost('drain');
    await away.start();
    const drained = await draining;
    check(drained.status === 0, 'it ends when the other broker has caught up', drained);
    const { partitions } = await cluster.describe();
    const tooFew = partitions.filter(({ isr }) => isr.filter((id) => id !== stopping.id).length < 2);
    check(partitions.length > 0 && tooFew.length === 0, 'two others are in sync everywhere', tooFew);
    await stopping.stop();
    await load.goesOn();
    await stopping.start();
    check(load.failures.length === 0, 'no send has failed', load.failures.slice(0, 5));
    await prove(cluster, load, note);
  },
};
