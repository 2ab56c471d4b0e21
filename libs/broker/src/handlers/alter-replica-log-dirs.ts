// AlterReplicaLogDirs, versions 1 to 2. There is one folder: every replica is there already, and any other folder is
// LOG_DIR_NOT_FOUND.
import { ErrorCode } from '@milepost/core';
import { AlterReplicaLogDirs } from '@milepost/wire';
import type { Context } from '../services.ts';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const alterReplicaLogDirs = handler(AlterReplicaLogDirs, [ALTER_CLUSTER], ({ dirs }, context) => ({
  results: dirs.flatMap(({ path, topics }) =>
    topics.map(({ name, partitions }) => ({
      topicName: name,
      partitions: partitions.map((partitionIndex) => {
        const errorCode = outcomeOf(path, name, partitionIndex, context);
        context.count(errorCode);
        return { partitionIndex, errorCode };
      }),
    })),
  ),
}));

function outcomeOf(path: string, topic: string, index: number, { services, permissions }: Context): ErrorCode {
  const refused = permissions.refusal(ALTER_CLUSTER);
  if (refused) return refused.error;
  const partition = services.storage.partitions.find(topic, index);
  if (typeof partition === 'number') return partition;
  return path === services.config.dataDir ? ErrorCode.NONE : ErrorCode.LOG_DIR_NOT_FOUND;
}
