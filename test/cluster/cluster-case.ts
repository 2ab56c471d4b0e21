// What every case of the cluster needs, and how each begins and ends.
import { existsSync } from 'node:fs';
import { compareCommonSegments } from '../fault/support/compare-segments.ts';
import type { Case, Need } from '../support/run-cases.ts';
import { check } from '../support/run.ts';
import { Cluster } from './support/cluster.ts';
import { ClusterLoad, JARS } from './support/load.ts';

export type ClusterCase = Case;

export { librdkafka } from '../fault/fault-case.ts';

/** For Kafka's own tools: the jars, which another suite has brought. */
export const kafkaTools: Need = () =>
  existsSync(JARS) ? undefined : `Kafka's tools are not there yet (npm run test:compat brings them to ${JARS})`;

/** Three brokers under load, everything in sync. */
export async function underLoad(note: (line: string) => void): Promise<{ cluster: Cluster; load: ClusterLoad }> {
  const cluster = await Cluster.start();
  const load = await ClusterLoad.start(cluster);
  if (!existsSync(JARS)) note("without Java's VerifiableProducer: npm run test:compat has not brought it");
  await load.goesOn();
  await cluster.settled();
  return { cluster, load };
}

/** Stops the load and the brokers, and holds what clients know against the cluster, and the replicas against each other. */
export async function prove(cluster: Cluster, load: ClusterLoad, note: (line: string) => void): Promise<void> {
  await load.stop();
  await cluster.settled(cluster.ids.filter((id) => cluster.broker(id).isUp));
  const records = await load.verify();
  const folders = cluster.ids.filter((id) => cluster.broker(id).isUp).map((id) => cluster.broker(id).folder);
  await cluster.stop();
  let segments = 0;
  for (const one of folders)
    for (const other of folders) if (one !== other) segments += compareCommonSegments(one, other);
  check(records > 0 && segments > 0, 'records and segments to compare', { records, segments });
  note(`${records} acknowledged records are there, in order, each once; ${segments} pairs of segments are alike`);
}
