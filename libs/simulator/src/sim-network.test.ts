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
    network.host('broker').listen({ host: 'broker', port: 9092 }, (connection) => {
      far = connection;
      return { bytes: (chunk) => heard.push(chunk.toString()), drained() {}, closed: () => void ends.far++ };
    }),
  );
  const connecting = network.connect(listening.address, { bytes() {}, drained() {}, closed: () => void ends.near++ });
  const near = await clock.settle(connecting);
  return { clock, network, near, far: far as Connection, heard, ends };
}

test('the same seed cuts and delays the same, another seed differs', async () => {
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

test('in a silence nothing arrives, without a notification; afterwards everything does, in order', async () => {
  const { clock, network, near, heard, ends } = await pair(4);
  network.whole.silence();
  for (const word of ['one ', 'two ', 'three']) near.send([Buffer.from(word)]);
  await clock.run(60_000);
  expect(heard).toEqual([]);
  network.whole.endSilence();
  await clock.until(() => heard.join('') === 'one two three');
  expect(ends).toEqual({ near: 0, far: 0 });
});

test('a cut ends both ends, and pending bytes are lost', async () => {
  const { clock, network, near, heard, ends } = await pair(5);
  near.send([Buffer.from('lost')]);
  network.cut();
  await clock.run(1000);
  expect(ends).toEqual({ near: 1, far: 1 });
  expect(heard).toEqual([]);
});

test('a slow network takes its time', async () => {
  const { clock, network, near, heard } = await pair(6);
  network.whole.slowness = 10_000;
  near.send([Buffer.from('slow')]);
  await clock.run(100);
  expect(heard).toEqual([]);
  await clock.until(() => heard.join('') === 'slow', 60_000);
});

const deaf = { bytes() {}, drained() {}, closed() {} };

/** Two servers on one port, each on its own host, and a client that is connected to both. */
async function hosts(seed: number) {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(seed), clock);
  const heard = { a: '', b: '', client: '' };
  const accepted: Connection[] = [];
  const connections = [];
  for (const name of ['a', 'b'] as const) {
    const listener = { ...deaf, bytes: (chunk: Buffer) => void (heard[name] += chunk.toString()) };
    await network.host(name).listen({ host: name, port: 9092 }, (connection) => {
      accepted.push(connection);
      return listener;
    });
    const client = { ...deaf, bytes: (chunk: Buffer) => void (heard.client += chunk.toString()) };
    connections.push(await clock.settle(network.host('client').connect({ host: name, port: 9092 }, client)));
  }
  const [toA, toB] = connections as [Connection, Connection];
  return { clock, network, heard, toA, toB, accepted };
}

test('a port belongs to its host: servers on two hosts have the same one', async () => {
  const { clock, network, heard, toA, toB, accepted } = await hosts(8);
  toA.send([Buffer.from('for a')]);
  toB.send([Buffer.from('for b')]);
  await clock.until(() => heard.a === 'for a' && heard.b === 'for b');
  expect(accepted.map(({ remote }) => remote.host)).toEqual(['client', 'client']);
  expect(network.peersOf('client')).toEqual(['a', 'b']);
  await expect(clock.settle(network.host('client').connect({ host: 'c', port: 9092 }, deaf))).rejects.toThrow('c:9092');
});

test('one direction of one link is silent, the others carry on', async () => {
  const { clock, network, heard, toA, toB, accepted } = await hosts(9);
  network.link('client', 'a').silence();
  toA.send([Buffer.from('late')]);
  toB.send([Buffer.from('for b')]);
  accepted[0]?.send([Buffer.from('from a')]);
  await clock.run(10_000);
  expect(heard).toEqual({ a: '', b: 'for b', client: 'from a' });
  network.link('client', 'a').endSilence();
  await clock.until(() => heard.a === 'late');
});

test('where one direction is silent no connection is made, in either direction', async () => {
  const { clock, network } = await hosts(10);
  network.link('a', 'client').silence();
  let isConnected = false;
  void network
    .host('client')
    .connect({ host: 'a', port: 9092 }, deaf)
    .then(() => {
      isConnected = true;
    });
  await clock.run(10_000);
  expect(isConnected).toBe(false);
  network.link('a', 'client').endSilence();
  await clock.until(() => isConnected);
});

test('a cut between two hosts leaves the connections of others', async () => {
  const { clock, network, heard, toA, toB } = await hosts(11);
  network.cut('a', 'client');
  toA.send([Buffer.from('lost')]);
  toB.send([Buffer.from('for b')]);
  await clock.run(1_000);
  expect(heard).toEqual({ a: '', b: 'for b', client: '' });
  expect(network.peersOf('client')).toEqual(['b']);
});

test('a chunk kept beyond the call holds rubbish', async () => {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(7), clock);
  const kept: Buffer[] = [];
  const listening = await network.listen({ host: '127.0.0.1', port: 0 }, () => ({
    bytes: (chunk) => kept.push(chunk),
    drained() {},
    closed() {},
  }));
  const near = await clock.settle(network.connect(listening.address, { bytes() {}, drained() {}, closed() {} }));
  near.send([Buffer.from('abc')]);
  await clock.until(() => kept.reduce((sum, chunk) => sum + chunk.length, 0) === 3);
  expect(Buffer.concat(kept).toString('hex')).toBe('dddddd');
});
