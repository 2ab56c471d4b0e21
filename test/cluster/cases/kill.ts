import { GROUP, TOPIC } from '../../fault/support/kafka-load.ts';
import { type ClusterCase, librdkafka, prove, underLoad } from '../cluster-case.ts';

/** Each round kills another kind of broker; often one is several of them. */
const PARTS = ['coordinator', 'leader', 'controller'] as const;

export const kill: ClusterCase = {
  name: 'kill',
  claim: 'kill -9 of a leader, of a coordinator and of the controller loses, reorders and duplicates nothing',
  needs: [librdkafka],
  rounds: PARTS.length,
  async run({ rounds, note }) {
    const { cluster, load } = await underLoad(note);
    const holders = {
      leader: () => cluster.leader(TOPIC, 0),
      coordinator: () => cluster.coordinator(GROUP),
      controller: () => cluster.controller(),
    };
    for (let round = 0; round < rounds; round++) {
      const part = PARTS[round % PARTS.length] ?? 'leader';
      await load.untilRandomMoment();
      const id = await holders[part]();
      await cluster.broker(id).kill();
      await load.goesOn();
      note(`round ${round + 1} of ${rounds}: without broker ${id}, the ${part}, all clients go on`);
      await cluster.broker(id).start();
      await cluster.settled();
    }
    await load.goesOn();
    await prove(cluster, load, note);
  },
};
