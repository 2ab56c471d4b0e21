import { TOPIC } from '../../fault/support/kafka-load.ts';
import { type ClusterCase, librdkafka, prove, underLoad } from '../cluster-case.ts';

export const freeze: ClusterCase = {
  name: 'freeze',
  claim: 'a leader that is frozen beyond its lease (SIGSTOP) is replaced, and does no harm when it wakes',
  needs: [librdkafka],
  rounds: 1,
  async run({ rounds, note }) {
    const { cluster, load } = await underLoad(note);
    for (let round = 1; round <= rounds; round++) {
      await load.untilRandomMoment();
      const id = await cluster.leader(TOPIC, 0);
      cluster.broker(id).freeze();
      await load.goesOn();
      note(`round ${round} of ${rounds}: while broker ${id} is frozen, all clients go on`);
      cluster.broker(id).thaw();
      await load.goesOn();
      await cluster.settled();
    }
    await prove(cluster, load, note);
  },
};
