import { networkContract } from '../../core/src/contracts/network.contract.ts';
import { SimClock, SimLife, SimNetwork, SimRandom } from './index.ts';

networkContract('the network of a simulated life', () => {
  const clock = new SimClock();
  return {
    network: new SimLife(clock, new SimNetwork(new SimRandom(1), clock)).network,
    until: (condition) => clock.until(condition),
    settle: (promise) => clock.settle(promise),
    pass: (forMs) => clock.run(forMs),
  };
});
