// DescribeLogDirs, versions 1 to 5: the one folder of this broker, the sizes of its logs, and the space on its volume.
// Null topics mean all.
import { ErrorCode } from '@milepost/core';
import type { Partition } from '@milepost/replication';
import { DescribeLogDirs } from '@milepost/wire';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const describeLogDirs = handler(
  DescribeLogDirs,
  [DESCRIBE_CLUSTER],
  ({ topics }, { services, permissions, count }) => {
    const refused = permissions.refusal(DESCRIBE_CLUSTER);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, results: [] };
    }
    const { dataDir } = services.config;
    const { freeBytes, totalBytes } = services.host.disk.free(dataDir);
    const asked = topics && new Map(topics.map(({ topic, partitions }) => [topic, new Set(partitions)]));
    const byTopic = new Map<string, Partition[]>();
    for (const partition of services.storage.partitions.all()) {
      if (asked && !asked.get(partition.topic)?.has(partition.index)) continue;
      byTopic.set(partition.topic, [...(byTopic.get(partition.topic) ?? []), partition]);
    }
    return {
      results: [
        {
          errorCode: ErrorCode.NONE,
          logDir: dataDir,
          topics: [...byTopic].map(([name, partitions]) => ({
            name,
            partitions: partitions.map(({ index, log }) => ({
              partitionIndex: index,
              partitionSize: log.sizeBytes,
              offsetLag: 0,
              isFutureKey: false,
            })),
          })),
          totalBytes,
          usableBytes: freeBytes,
        },
      ],
    };
  },
);
