// The promises of every DeviceStore.
import type { DeviceFilter, DeviceStore, NewDevice } from './device.ts';

export interface DeviceStoreUnderTest {
  readonly store: DeviceStore;
  close(): Promise<void>;
}

const credential = {
  salt: Buffer.from('salt'),
  iterations: 4_096,
  storedKey: Buffer.alloc(32, 1),
  serverKey: Buffer.alloc(32, 2),
};
const deviceOf = (id: string, more: Partial<NewDevice> = {}): NewDevice => ({
  id,
  credential,
  publish: [],
  subscribe: [],
  ...more,
});

export function deviceStoreContract(name: string, make: () => Promise<DeviceStoreUnderTest>): void {
  describe(name, () => {
    let it: DeviceStoreUnderTest;
    let store: DeviceStore;
    beforeEach(async () => {
      it = await make();
      ({ store } = it);
    });
    afterEach(() => it.close());

    const versionOf = async (id: string): Promise<number | undefined> => (await store.find([id]))[0]?.version;

    test('finds those that exist, as they were added', async () => {
      const fleet = deviceOf('fleet', { credential: undefined, publish: ['traccar/#'], subscribe: ['trucks/#'] });
      await store.add([deviceOf('t-1'), fleet], false);
      const found = await store.find(['t-1', 'nobody', 'fleet']);
      expect(found.map(({ id }) => id).sort()).toEqual(['fleet', 't-1']);
      expect(found.find(({ id }) => id === 't-1')).toMatchObject({ credential, isBlocked: false });
      expect(found.find(({ id }) => id === 'fleet')).toMatchObject({
        credential: undefined,
        publish: ['traccar/#'],
        subscribe: ['trucks/#'],
      });
    });

    test('adds all or none, and replaces only on request', async () => {
      await store.add([deviceOf('t-1')], false);
      const changed = deviceOf('t-1', { subscribe: ['trucks/#'] });
      expect(await store.add([deviceOf('t-2'), changed], false)).toEqual({ existing: ['t-1'] });
      expect(await store.find(['t-2'])).toEqual([]);
      expect(await store.add([deviceOf('t-2'), changed], true)).toEqual({ existing: [] });
      expect(await store.find(['t-1'])).toMatchObject([{ subscribe: ['trucks/#'] }]);
    });

    test('a device that is replaced stays blocked', async () => {
      await store.setBlocked('t-1', true);
      await store.add([deviceOf('t-1')], true);
      expect(await store.find(['t-1'])).toMatchObject([{ isBlocked: true, credential }]);
    });

    test('each change has a new version, and a report none', async () => {
      await store.add([deviceOf('t-1')], false);
      const versions = [await versionOf('t-1')];
      await store.setBlocked('t-1', true);
      versions.push(await versionOf('t-1'));
      await store.setBlocked('t-1', false);
      versions.push(await versionOf('t-1'));
      await store.add([deviceOf('t-1')], true);
      versions.push(await versionOf('t-1'));
      expect(new Set(versions).size).toBe(4);
      await store.report([
        { id: 't-1', seenAtMs: 1, failedLogins: 0, failedAtMs: undefined, certificateEndsMs: undefined },
      ]);
      expect(await versionOf('t-1')).toBe(versions.at(-1));
      expect(await store.remove('t-1')).toBe(true);
      expect(await store.remove('t-1')).toBe(false);
      await store.add([deviceOf('t-1')], false);
      expect(versions).not.toContain(await versionOf('t-1'));
    });

    test('blocks a device that is in no list', async () => {
      await store.setBlocked('t-9', true);
      expect(await store.find(['t-9'])).toMatchObject([{ isBlocked: true, credential: undefined }]);
    });

    test('sums what was noticed, and ignores devices that do not exist', async () => {
      await store.add([deviceOf('t-1'), deviceOf('t-2')], false);
      await store.report([
        { id: 't-1', seenAtMs: 1_000, failedLogins: 2, failedAtMs: 900, certificateEndsMs: 5_000 },
        { id: 'nobody', seenAtMs: 1_000, failedLogins: 0, failedAtMs: undefined, certificateEndsMs: undefined },
      ]);
      await store.report([
        { id: 't-1', seenAtMs: undefined, failedLogins: 1, failedAtMs: 2_000, certificateEndsMs: undefined },
      ]);
      expect(await store.list('', 10)).toMatchObject([
        { id: 't-1', lastSeenMs: 1_000, failedLogins: 3, lastFailureMs: 2_000, certificateEndsMs: 5_000 },
        { id: 't-2', lastSeenMs: undefined, failedLogins: 0, lastFailureMs: undefined, hasPassword: true },
      ]);
    });

    test('lists page by page', async () => {
      await store.add(
        ['b', 'a', 'c'].map((id) => deviceOf(id)),
        false,
      );
      const idsOf = async (after: string, limit: number) => (await store.list(after, limit)).map(({ id }) => id);
      expect(await idsOf('', 2)).toEqual(['a', 'b']);
      expect(await idsOf('b', 2)).toEqual(['c']);
    });

    test('lists and counts those whose id contains a text, and those that are blocked', async () => {
      await store.add(
        ['truck-1', 'Truck-2', 'van_1', 'van-1'].map((id) => deviceOf(id)),
        false,
      );
      await store.setBlocked('truck-1', true);
      const idsOf = async (filter: DeviceFilter) => (await store.list('', 9, filter)).map(({ id }) => id);
      expect(await idsOf({ search: 'truck' })).toEqual(['Truck-2', 'truck-1']);
      expect(await idsOf({ search: 'n_1' })).toEqual(['van_1']); // no wildcard
      expect(await idsOf({ search: 'truck', isBlocked: false })).toEqual(['Truck-2']);
      expect(await idsOf({ isBlocked: true })).toEqual(['truck-1']);
      expect(await store.count()).toBe(4);
      expect(await store.count({ search: 'TRUCK', isBlocked: true })).toBe(1);
    });

    test('a change leaves what it does not name, and is a new version', async () => {
      await store.add([deviceOf('t-1', { publish: ['a/#'], subscribe: ['b/#'] })], false);
      await store.setBlocked('t-1', true);
      const before = await versionOf('t-1');
      expect(await store.change('t-1', { subscribe: [] })).toBe(true);
      expect(await store.find(['t-1'])).toMatchObject([
        { credential, publish: ['a/#'], subscribe: [], isBlocked: true },
      ]);
      expect(await versionOf('t-1')).not.toBe(before);
      const other = { ...credential, storedKey: Buffer.alloc(32, 3) };
      expect(await store.change('t-1', { credential: other })).toBe(true);
      expect(await store.find(['t-1'])).toMatchObject([{ credential: other, publish: ['a/#'] }]);
      expect(await store.change('nobody', { publish: [] })).toBe(false);
    });

    test('shows one device', async () => {
      await store.add([deviceOf('t-1', { credential: undefined })], false);
      expect(await store.status('t-1')).toMatchObject({ id: 't-1', hasPassword: false, isBlocked: false });
      expect(await store.status('nobody')).toBeUndefined();
    });
  });
}
