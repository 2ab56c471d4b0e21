// The real world behind the ports of @milepost/core.
export { nodeClock } from './node-clock.ts';
export { nodeDisk, type NodeDiskOptions } from './node-disk.ts';
export { nodeHost } from './node-host.ts';
export { nodeInflater } from './node-inflater.ts';
export { nodeKeyDerivation } from './node-key-derivation.ts';
export { nodeNetwork } from './node-network.ts';
export { nodeReadText } from './node-read-text.ts';
export { openFileLimit, openFilesWithin } from './open-file-limit.ts';
export { nodeRandom } from './node-random.ts';
export { certified, secureOptions, secureServer, watchHandshakes } from './node-tls.ts';
