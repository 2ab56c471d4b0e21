// Which clients are accepted, over real connections, and how long an idle one may stay, on simulated time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger, silentMeter } from '@milepost/core';
import { nodeHost } from '@milepost/node-host';
import { SimClock, SimNetwork, SimRandom } from '@milepost/simulator';
import { ApiVersions, IncrementalAlterConfigs } from '@milepost/wire';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';
import { BufferPool } from './buffer-pool.ts';
import { ClientListener } from './client-listener.ts';
import { MemoryBudget } from './memory-budget.ts';

const BROKER = 4;
const SET = 0;

const folder = mkdtempSync(join(tmpdir(), 'milepost-listener-'));
const it = new BrokerUnderTest(nodeHost(), folder, {
  'max.connections.per.ip': '2',
});

beforeAll(() => it.start());
afterAll(async () => {
  await it.stop();
  rmSync(folder, { recursive: true });
});

test('one address gets as many connections as its limit, and more once that is raised', async () => {
  const ask = { clientSoftwareName: 'x', clientSoftwareVersion: '1' };
  const [first, second] = [await it.client(), await it.client()];
  await first.ask(ApiVersions, 3, ask);
  await second.ask(ApiVersions, 3, ask);
  await (await it.client()).closed;
  const configs = [{ name: 'max.connections.per.ip.overrides', configOperation: SET, value: '127.0.0.1:3' }];
  const changed = await first.ask(IncrementalAlterConfigs, 1, {
    resources: [{ resourceType: BROKER, resourceName: '', configs }],
    validateOnly: false,
  });
  expect(changed.responses[0]?.errorCode).toBe(0);
  const third = await it.client();
  expect((await third.ask(ApiVersions, 3, ask)).errorCode).toBe(0);
  await (await it.client()).closed;
  third.close();
  await third.closed;
  expect((await (await it.client()).ask(ApiVersions, 3, ask)).errorCode).toBe(0);
});

const MAX_IDLE_MS = 60_000;
const RESPONSE_BYTES = 8 * 1024 * 1024;

/** A listener that sends eight megabytes in each response, and a client of it that reads on command. */
async function onSimulatedNetwork() {
  const clock = new SimClock();
  const network = new SimNetwork(new SimRandom(1), clock);
  const memory = new MemoryBudget({ requestBytes: -1, answerBytes: 1e9 });
  const listener = new ClientListener({
    host: { clock, network, logger: silentLogger, meter: silentMeter },
    requestMaxBytes: 1000,
    connectionsMaxIdleMs: MAX_IDLE_MS,
    quotas: { connected: () => 0, connectionDelayMs: () => 0 },
    memory,
    buffers: new BufferPool(),
    connectionLimits: () => ({ total: 10, perIp: 10, perIpOverrides: new Map() }),
  });
  const address = await clock.settle(
    listener.listen(
      { address: { host: '127.0.0.1', port: 0 }, listener: 'PLAINTEXT' },
      {
        mayOverlap: () => false,
        isReadAtOnce: () => false,
        dispatch: () => ({ chunks: [Buffer.alloc(RESPONSE_BYTES)] }),
      },
    ),
  );
  listener.begin();
  let received = 0;
  const client = await clock.settle(
    network.connect(address, { bytes: ({ length }) => (received += length), drained() {}, closed() {} }),
  );
  client.send([Buffer.from([0, 0, 0, 1, 7])]);
  return { clock, listener, memory, client, received: () => received };
}

test('a client that does not read its response is closed after connections.max.idle.ms, and its memory is free', async () => {
  const { clock, listener, memory, client } = await onSimulatedNetwork();
  client.pause();
  await clock.run(0.9 * MAX_IDLE_MS);
  expect([listener.openConnections, memory.answerBytes]).toEqual([1, RESPONSE_BYTES]);
  await clock.run(MAX_IDLE_MS);
  expect([listener.openConnections, memory.answerBytes]).toEqual([0, 0]);
  await clock.settle(listener.close());
});
