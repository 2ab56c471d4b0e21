import { networkContract } from '../../core/src/contracts/network.contract.ts';
import { type Connection } from '@milepost/core';
import { SimClock, SimNetwork, SimRandom } from './index.ts';

for (const seed of [1, 2, 3])
  networkContract(`SimNetwork with seed ${seed}`, () => {
    const clock = new SimClock();
    return {
      network: new SimNetwork(new SimRandom(seed), clock),
      until: (condition) => clock.until(condition),
      settle: (promise) => clock.settle(promise),
      pass: (forMs) => clock.run(forMs),
    };
  });

async function pair(seed: number) {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(seed), clock);
  const heard: string[] = [];
  const ends = { near: 0, far: 0 };
  let far: Connection | undefined;
  const listening = await clock.settle(
    network.listen({ host: 'broker', port: 9092 }, (connection) => {
      far = connection;
      return { bytes: (chunk) => heard.push(chunk.toString()), drained() {}, closed: () => void ends.far++ };
    }),
  );
  const connecting = network.connect(listening.address, { bytes() {}, drained() {}, closed: () => void ends.near++ });
  const near = await clock.settle(connecting);
  return { clock, network, near, far: far as Connection, heard, ends };
}

test('the same seed cuts and delays the same, another seed otherwise', async () => {
  const run = async (seed: number) => {
    const { clock, near, heard } = await pair(seed);
    for (let n = 0; n < 50; n++) near.send([Buffer.from(`message ${n};`)]);
    await clock.run(1000);
    return heard.join('|');
  };
  expect(await run(1)).toBe(await run(1));
  expect(await run(1)).not.toBe(await run(2));
});

test('a frame is cut somewhere, sooner or later', async () => {
  const { clock, near, heard } = await pair(1);
  for (let n = 0; n < 50; n++) near.send([Buffer.from('frame;')]);
  await clock.run(1000);
  expect(heard.join('')).toBe('frame;'.repeat(50));
  expect(heard.some((chunk) => !chunk.endsWith(';'))).toBe(true);
});

test('in a silence nothing arrives and nobody is told; afterwards everything does, in order', async () => {
  const { clock, network, near, heard, ends } = await pair(4);
  network.silence();
  for (const word of ['one ', 'two ', 'three']) near.send([Buffer.from(word)]);
  await clock.run(60_000);
  expect(heard).toEqual([]);
  network.endSilence();
  await clock.until(() => heard.join('') === 'one two three');
  expect(ends).toEqual({ near: 0, far: 0 });
});

test('a cut ends both ends, and what was under way is lost', async () => {
  const { clock, network, near, heard, ends } = await pair(5);
  near.send([Buffer.from('lost')]);
  network.cut();
  await clock.run(1000);
  expect(ends).toEqual({ near: 1, far: 1 });
  expect(heard).toEqual([]);
});

test('a slow network takes its time', async () => {
  const { clock, network, near, heard } = await pair(6);
  network.slowness = 10_000;
  near.send([Buffer.from('slow')]);
  await clock.run(100);
  expect(heard).toEqual([]);
  await clock.until(() => heard.join('') === 'slow', 60_000);
});

test('who keeps a chunk beyond the call keeps rubbish', async () => {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(7), clock);
  const kept: Buffer[] = [];
  const listening = await network.listen({ host: 'x', port: 0 }, () => ({
    bytes: (chunk) => kept.push(chunk),
    drained() {},
    closed() {},
  }));
  const near = await clock.settle(network.connect(listening.address, { bytes() {}, drained() {}, closed() {} }));
  near.send([Buffer.from('abc')]);
  await clock.until(() => kept.reduce((sum, chunk) => sum + chunk.length, 0) === 3);
  expect(Buffer.concat(kept).toString('hex')).toBe('dddddd');
});
