import { inflaterContract } from '../../core/src/contracts/inflater.contract.ts';
import { SimClock, SimInflater } from './index.ts';

inflaterContract('SimInflater', () => {
  const clock = new SimClock();
  return { inflater: new SimInflater(clock), settle: (promise) => clock.settle(promise) };
});
