import { keyDerivationContract } from '../../core/src/contracts/key-derivation.contract.ts';
import { SimClock, SimKeyDerivation } from './index.ts';

keyDerivationContract('SimKeyDerivation', () => {
  const clock = new SimClock();
  return { keys: new SimKeyDerivation(clock), settle: (promise) => clock.settle(promise) };
});
