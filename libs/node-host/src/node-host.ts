// The whole real world in one piece, for who needs all of it. It says nothing and measures nothing unless it is told where.
import { type Host, silentLogger, silentMeter } from '@milepost/core';
import { nodeClock } from './node-clock.ts';
import { nodeDisk } from './node-disk.ts';
import { nodeNetwork } from './node-network.ts';
import { nodeRandom } from './node-random.ts';

export const nodeHost = (parts: Partial<Host> = {}): Host => ({
  clock: nodeClock,
  disk: nodeDisk(),
  network: nodeNetwork,
  random: nodeRandom,
  logger: silentLogger,
  meter: silentMeter,
  ...parts,
});
