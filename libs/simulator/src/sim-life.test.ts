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

test('a frozen process gets what waited for it when it is thawed, timers first, and no timer that was cancelled', async () => {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(1), clock);
  const life = new SimLife(clock, network.host('node'));
  const heard: string[] = [];
  const silent = { drained: () => {}, closed: () => {} };
  const address = { host: 'node', port: 1 };
  await life.network.listen(address, () => ({ ...silent, bytes: (chunk) => heard.push(String(chunk)) }));
  life.freeze();
  life.clock.after(500, () => heard.push('timer'));
  const cancel = life.clock.after(600, () => heard.push('cancelled'));
  const client = await clock.settle(network.host('client').connect(address, { ...silent, bytes: () => {} }));
  client.send([Buffer.from('hello')]);
  await clock.run(1_000);
  expect(heard).toEqual([]);
  cancel();
  life.thaw();
  await clock.run(1);
  expect(heard).toEqual(['timer', 'hello']);
});

test('a frozen process that is killed gets nothing', async () => {
  const clock = new SimClock();
  const life = new SimLife(clock, new SimNetwork(new SimRandom(1), clock).host('node'));
  let ran = false;
  life.clock.after(1, () => {
    ran = true;
  });
  life.freeze();
  await clock.run(10);
  life.end();
  life.thaw();
  await clock.run(10);
  expect(ran).toBe(false);
});
