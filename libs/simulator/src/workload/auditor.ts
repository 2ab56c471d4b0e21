// Reads every partition from its first offset to its high watermark, so that the checkers see any missing record.
import { ErrorCode } from '@milepost/core';
import { Fetch } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import { ClusterClient } from './cluster-client.ts';
import { answerTo, fetchBody, tellFetched } from './fetched.ts';
import { EARLIEST, LATEST, listOffset } from './reader.ts';
import { sleep, type World } from './world.ts';

const VERSION = 17;
const PAUSE_MS = 300;

/** Resolves when all partitions are read; a partition that refuses is skipped after some attempts. */
export async function audit(
  world: World,
  name: string,
  mayRefuse: (partition: SimPartition) => boolean,
): Promise<void> {
  const client = new ClusterClient(world, name, 20_000);
  for (const partition of world.topics.partitions()) {
    const isRead = await auditOne(world, client, partition);
    if (!isRead && !mayRefuse(partition))
      world.see({ kind: 'broken', what: `${name}: ${partition.name} cannot be read to its end` });
  }
  client.disconnect();
}

async function auditOne(world: World, client: ClusterClient, partition: SimPartition): Promise<boolean> {
  let offset: number | undefined;
  let end: number | undefined;
  for (let attempts = 0; attempts < 100; attempts++) {
    offset ??= await listOffset(world, client, partition, EARLIEST);
    end ??= await listOffset(world, client, partition, LATEST);
    if (offset !== undefined && end !== undefined) {
      if (offset >= end) return true;
      const askedAt = world.clock.monotonic();
      const wanted = { partition, offset, epoch: -1 };
      const body = fetchBody([wanted], { maxWaitMs: 0, partitionMaxBytes: 1 << 20 });
      const response = (await client.askLeader(partition, Fetch, VERSION, () => body))?.response;
      const answer = response?.errorCode === ErrorCode.NONE && answerTo(partition, response, VERSION);
      const fetched = answer && tellFetched(world, wanted, askedAt, answer);
      if (typeof fetched === 'object') {
        if (fetched.next > offset) attempts = 0;
        offset = fetched.next;
        continue;
      }
      if (fetched === 'moved') client.forgetLeaderOf(partition);
      if (fetched === 'behind') offset = undefined; // retention may have moved the start
    }
    await sleep(world, PAUSE_MS);
  }
  return false;
}
