import { randomContract } from '../../core/src/contracts/random.contract.ts';
import { nodeRandom } from './index.ts';

randomContract('nodeRandom', () => nodeRandom);
