// The whole real host, for callers that need all of it. Without a logger and a meter it logs and measures nothing.
import { type Host, silentLogger, silentMeter } from '@milepost/core';
import { nodeClock } from './node-clock.ts';
import { nodeDeflater } from './node-deflater.ts';
import { nodeDisk } from './node-disk.ts';
import { nodeInflater } from './node-inflater.ts';
import { nodeKeyDerivation } from './node-key-derivation.ts';
import { nodeNetwork } from './node-network.ts';
import { nodeRandom } from './node-random.ts';

export const nodeHost = (parts: Partial<Host> = {}): Host => ({
  clock: nodeClock,
  disk: nodeDisk(),
  network: nodeNetwork,
  random: nodeRandom,
  inflater: nodeInflater,
  deflater: nodeDeflater,
  keys: nodeKeyDerivation,
  logger: silentLogger,
  meter: silentMeter,
  ...parts,
});
