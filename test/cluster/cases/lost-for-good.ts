import { check } from '../../support/run.ts';
import { type ClusterCase, kafkaTools, librdkafka, prove, underLoad } from '../cluster-case.ts';
import { reassign, replaced, unregister } from '../support/kafka-tools.ts';

export const lostForGood: ClusterCase = {
  name: 'lost-for-good',
  claim: "a broker that never comes back is replaced by a new one with Kafka's own tools, under load",
  needs: [librdkafka, kafkaTools],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    const lost = cluster.broker(await cluster.controller());
    await lost.kill();
    lost.wipe();
    await load.goesOn();
    const successor = await cluster.add();
    await successor.start();
    const remaining = cluster.ids.filter((id) => id !== lost.id);
    await reassign(cluster, await replaced(cluster, new Map([[lost.id, successor.id]])));
    await cluster.settled(remaining);
    note(`broker ${successor.id} has the replicas of broker ${lost.id}`);
    await unregister(cluster, lost.id);
    const { partitions } = await cluster.describe();
    const left = partitions.filter(({ replicas }) => replicas.includes(lost.id));
    check(left.length === 0, `no partition names broker ${lost.id}`, left);
    await load.goesOn();
    await prove(cluster, load, note);
  },
};
