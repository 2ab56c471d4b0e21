import { deflaterContract } from '../../core/src/contracts/deflater.contract.ts';
import { SimClock, SimDeflater } from './index.ts';

deflaterContract('SimDeflater', () => {
  const clock = new SimClock();
  return { deflater: new SimDeflater(clock), settle: (promise) => clock.settle(promise) };
});
