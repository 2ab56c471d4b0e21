// After the last write each reader has some time to reach the end of the log; one that does not is reported.
import type { SimPartition } from '../model/observation.ts';
import { ClusterClient } from './cluster-client.ts';
import { LATEST, listOffset } from './reader.ts';
import type { SessionReader } from './session-reader.ts';
import { sleep, type World } from './world.ts';

const PATIENCE_MS = 45_000;
const PAUSE_MS = 200;

export async function awaitTheEnd(
  world: World,
  readers: readonly SessionReader[],
  mayRefuse: (partition: SimPartition) => boolean,
): Promise<void> {
  if (readers.length === 0) return;
  const client = new ClusterClient(world, 'end', 20_000);
  for (const partition of world.topics.partitions()) {
    const end = await listOffset(world, client, partition, LATEST);
    if (end === undefined || mayRefuse(partition)) continue; // a partition that does not respond is the auditor's matter
    for (const reader of readers) await awaitOne(world, reader, partition, end);
  }
  client.disconnect();
}

async function awaitOne(world: World, reader: SessionReader, partition: SimPartition, end: number): Promise<void> {
  for (let waited = 0; ; waited += PAUSE_MS) {
    const offset = reader.positions().get(partition) ?? end;
    if (offset >= end) return;
    if (waited > PATIENCE_MS) return world.see({ kind: 'left-behind', reader: reader.name, partition, offset, end });
    await sleep(world, PAUSE_MS);
  }
}
