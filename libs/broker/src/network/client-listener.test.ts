// Who gets in, with real connections.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeHost } from '@milepost/node-host';
import { ApiVersions, IncrementalAlterConfigs } from '@milepost/wire';
import { BrokerUnderTest } from '../testing/broker-under-test.ts';

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

test('one address gets as many connections as it may have, and more once that is changed', async () => {
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
