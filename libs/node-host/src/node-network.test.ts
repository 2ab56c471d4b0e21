import { createConnection } from 'node:net';
import { networkContract } from '../../core/src/contracts/network.contract.ts';
import { nodeNetwork } from './index.ts';

const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
};

const pass = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));

networkContract('nodeNetwork', () => ({ network: nodeNetwork, until, settle: (promise) => promise, pass }));

test('a hundred peers that reset in the middle of a response end their own connections and nothing else', async () => {
  let closed = 0;
  const listening = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, (connection) => ({
    bytes: () => void connection.send([Buffer.alloc(2_000_000)]),
    drained() {},
    closed: () => void closed++,
  }));
  for (let n = 0; n < 100; n++) {
    const socket = createConnection(listening.address);
    socket.on('error', () => {});
    socket.once('connect', () => socket.write('?'));
    socket.once('data', () => socket.resetAndDestroy());
  }
  await until(() => closed === 100);
  await listening.close();
});

test('large reads come in chunks beyond 64 KB', async () => {
  let largest = 0;
  let total = 0;
  const listening = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, () => ({
    bytes(chunk) {
      largest = Math.max(largest, chunk.length);
      total += chunk.length;
    },
    drained() {},
    closed() {},
  }));
  const connection = await nodeNetwork.connect(listening.address, { bytes() {}, drained() {}, closed() {} });
  for (let n = 0; n < 16; n++) connection.send([Buffer.alloc(1 << 20)]);
  await until(() => total === 16 << 20);
  expect(largest).toBeGreaterThan(64 * 1024);
  connection.close();
  await listening.close();
});

test('a thousand small sends of one turn leave in a few writes', async () => {
  let chunks = 0;
  let total = 0;
  const listening = await nodeNetwork.listen({ host: '127.0.0.1', port: 0 }, () => ({
    bytes(chunk) {
      chunks++;
      total += chunk.length;
    },
    drained() {},
    closed() {},
  }));
  const connection = await nodeNetwork.connect(listening.address, { bytes() {}, drained() {}, closed() {} });
  for (let n = 0; n < 1000; n++) connection.send([Buffer.from('12345678')]);
  await until(() => total === 8000);
  expect(chunks).toBeLessThan(20);
  connection.close();
  await listening.close();
});
