import { check } from '../../support/run.ts';
import { type ClusterCase, librdkafka, prove, underLoad } from '../cluster-case.ts';

export const rollingRestart: ClusterCase = {
  name: 'rolling-restart',
  claim: 'brokers that are stopped and started one after the other cost clients retries, and not one failed send',
  needs: [librdkafka],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    for (const id of cluster.ids) {
      await load.untilRandomMoment();
      await cluster.broker(id).stop();
      await load.goesOn();
      await cluster.broker(id).start();
      await cluster.settled();
      note(`broker ${id} was restarted`);
    }
    await load.goesOn();
    check(load.failures.length === 0, 'no send has failed', load.failures.slice(0, 5));
    await prove(cluster, load, note);
  },
};
