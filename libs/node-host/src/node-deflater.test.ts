import { deflaterContract } from '../../core/src/contracts/deflater.contract.ts';
import { nodeDeflater } from './node-deflater.ts';

deflaterContract('nodeDeflater', () => ({ deflater: nodeDeflater, settle: (promise) => promise }));
