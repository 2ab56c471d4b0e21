import { Inbox } from './inbox.ts';
import type { ConsumedRecord } from './record.ts';

const records = (count: number): ConsumedRecord[] =>
  Array.from({ length: count }, (_, offset) => ({
    topic: 'truck_gps',
    partition: 0,
    offset,
    timestamp: 0,
    key: null,
    value: null,
    headers: new Map(),
  }));
const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

test('all waiting records are taken together, in order', async () => {
  const inbox = new Inbox(100);
  const [first, second] = [records(2), records(3)];
  await inbox.put(first);
  await inbox.put(second);
  expect(await inbox.take()).toEqual([...first, ...second]);
});

test('beyond the limit `put` waits until everything is taken', async () => {
  const inbox = new Inbox(10);
  const put = inbox.put(records(10));
  expect(await settled(put)).toBe(false);
  expect(await inbox.take()).toHaveLength(10);
  expect(await settled(put)).toBe(true);
  expect(await settled(inbox.put(records(9)))).toBe(true);
});

test('a taker is woken by the next records, or returns empty after its patience', async () => {
  const inbox = new Inbox(10);
  const taking = inbox.take();
  await inbox.put(records(1));
  expect(await taking).toHaveLength(1);
  expect(await inbox.take(1)).toEqual([]);
});

test('closing ends the wait for room and for records', async () => {
  const [full, empty] = [new Inbox(1), new Inbox(1)];
  const put = full.put(records(1));
  const taking = empty.take();
  full.close();
  empty.close();
  expect(await settled(put)).toBe(true);
  expect(await taking).toBe('closed');
  expect(await full.take()).toBe('closed');
});

test('a failure is thrown to the taker, and closing afterwards does not hide it', async () => {
  const inbox = new Inbox(10);
  inbox.fail(new Error('the stream ended'));
  inbox.close();
  await expect(inbox.take()).rejects.toThrow('the stream ended');
});
