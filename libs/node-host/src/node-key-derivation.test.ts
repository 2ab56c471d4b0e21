import { keyDerivationContract } from '../../core/src/contracts/key-derivation.contract.ts';
import { nodeKeyDerivation } from './index.ts';

keyDerivationContract('nodeKeyDerivation', () => ({ keys: nodeKeyDerivation, settle: (promise) => promise }));
