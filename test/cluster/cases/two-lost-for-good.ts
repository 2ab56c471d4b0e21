import { until } from '../../e2e/support/until.ts';
import { type ClusterCase, kafkaTools, librdkafka, prove, underLoad } from '../cluster-case.ts';
import { reassign, replaced, unregister } from '../support/kafka-tools.ts';

/** Their leases end, and the ISRs shrink; on a slow machine. */
const ALONE_LIMIT_MS = 60_000;

export const twoLostForGood: ClusterCase = {
  name: 'two-lost-for-good',
  claim:
    'two of three brokers are lost for good at once: the third has all that was acknowledged, and new ones copy it',
  needs: [librdkafka, kafkaTools],
  async run({ note }) {
    const { cluster, load } = await underLoad(note);
    const remaining = cluster.broker(await cluster.leader('librdkafka', 0));
    const lost = cluster.ids.filter((id) => id !== remaining.id).map((id) => cluster.broker(id));
    await load.untilRandomMoment();
    await Promise.all(lost.map((broker) => broker.kill()));
    for (const broker of lost) broker.wipe();
    // With one replica nothing is acknowledged, nor is the end of the logs known, until the operator accepts that.
    await load.setMinInsyncReplicas(1);
    await load.goesOn();
    const leadsAlone = async (): Promise<boolean> => {
      const { partitions } = await cluster.describe();
      return partitions.every(({ leader, isr }) => leader === remaining.id && isr.join() === String(remaining.id));
    };
    await until(`broker ${remaining.id} leads everything, alone`, leadsAlone, ALONE_LIMIT_MS);
    note(`broker ${remaining.id} alone serves all ${await load.verifyRecords()} records that were acknowledged so far`);
    const successors = new Map<number, number>();
    for (const { id } of lost) {
      const successor = await cluster.add();
      await successor.start();
      successors.set(id, successor.id);
    }
    await reassign(cluster, await replaced(cluster, successors));
    await cluster.settled([remaining.id, ...successors.values()]);
    await load.setMinInsyncReplicas(2);
    for (const { id } of lost) await unregister(cluster, id);
    note(
      `brokers ${[...successors.values()].join(' and ')} have the replicas of ${[...successors.keys()].join(' and ')}`,
    );
    await load.goesOn();
    await prove(cluster, load, note);
  },
};
