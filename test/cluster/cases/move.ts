import { TOPIC } from '../../fault/support/kafka-load.ts';
import { check } from '../../support/run.ts';
import { type ClusterCase, kafkaTools, librdkafka, prove, underLoad } from '../cluster-case.ts';
import { generated, reassign } from '../support/kafka-tools.ts';

export const move: ClusterCase = {
  name: 'move',
  claim: "a topic moves away from a broker to one that was added, with Kafka's own tool, under load",
  needs: [librdkafka, kafkaTools],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    const leaving = await cluster.leader(TOPIC, 0);
    const added = await cluster.add();
    await added.start();
    const brokers = cluster.ids.filter((id) => id !== leaving);
    await reassign(cluster, await generated(cluster, TOPIC, brokers));
    await cluster.settled();
    const { partitions } = await cluster.describe([TOPIC]);
    const isMoved = partitions.every(({ leader, replicas }) => !replicas.includes(leaving) && leader !== leaving);
    check(isMoved, `broker ${leaving} has nothing of ${TOPIC}`, partitions);
    note(`${TOPIC} has moved to brokers ${brokers.join(', ')}`);
    await load.goesOn();
    await prove(cluster, load, note);
  },
};
