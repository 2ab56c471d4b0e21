// The promises of every MetadataStore; run by the memory store and by PostgreSQL's.
import { BrokerId, LeaderEpoch, Uuid } from '@milepost/core';
import { quotaKey } from './client-quota.ts';
import type { DelegationToken } from './delegation-token.ts';
import type { ClusterImage } from './image.ts';
import type { PartitionState, TopicState } from './topic-state.ts';
import { isSameOrigin, type Sighting } from './origin.ts';
import { partitionOn } from './placement.ts';
import { BrokerFenced, ControllerFenced, MetadataConflict, type MetadataStore } from './store.ts';
import type { StoredAcl } from './stored-acl.ts';

export interface MetadataStoreUnderTest {
  /** Another store on the same data, as another broker would open it. Not opened yet. */
  connect(): Promise<MetadataStore>;
  /** Copies the current database; the returned function restores the copy. */
  backup(): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

const credential = { salt: 'c2FsdA==', iterations: 4_096, storedKey: 'c3RvcmVk', serverKey: 'c2VydmVy' };

const tokenOf = (id: string): DelegationToken => ({
  id,
  owner: 'User:ü\0\\',
  requester: 'User:bob',
  renewers: ['User:carol', 'User:\0'],
  issuedAtMs: 1_600_000_000_000,
  expiresAtMs: 1_700_000_000_000,
  endsAtMs: 8_640_000_000_000_000,
  digest: 'ZGlnZXN0',
  credentials: { 'SCRAM-SHA-256': credential },
});

const aclOf = (resourceName: string): StoredAcl => ({
  resourceType: 2,
  resourceName,
  patternType: 4,
  principal: 'User:ü\0\\',
  host: '*',
  operation: 3,
  permission: 3,
});

/** `make` gives an empty database. */
export function metadataStoreContract(name: string, make: () => Promise<MetadataStoreUnderTest>): void {
  describe(name, () => {
    let data: MetadataStoreUnderTest;
    beforeEach(async () => {
      data = await make();
    });
    afterEach(() => data.close());

    async function opened(): Promise<MetadataStore> {
      const store = await data.connect();
      await store.open();
      return store;
    }

    test('the first start makes a cluster id, and every later one finds it', async () => {
      const first = await (await data.connect()).open();
      expect(first.clusterId).toMatch(/^[A-Za-z0-9_-]{22}$/);
      expect(first.topics.size).toBe(0);
      expect((await (await data.connect()).open()).clusterId).toBe(first.clusterId);
    });

    test('committed changes are there at the next start, exactly', async () => {
      const store = await opened();
      await store.commit(() => [
        {
          type: 'broker-registered',
          broker: { id: BrokerId(1), host: 'one', port: 9092, rack: null, incarnation: null },
        },
        {
          type: 'broker-registered',
          broker: { id: BrokerId(2), host: 'two', port: 9093, rack: 'attic', incarnation: idOf('life of two') },
        },
        { type: 'topic-created', topic: topic('plain', 1) },
        {
          type: 'topic-created',
          topic: topic('many', 12, { 'retention.ms': '-1', 'cleanup.policy': 'compact,delete' }),
        },
        { type: 'broker-configured', id: '', configs: { 'message.max.bytes': '5' } },
        { type: 'broker-configured', id: '1', configs: { 'x"\\ü': '\u{1f69a}' } },
        { type: 'group-configured', groupId: 'ü\0\\', configs: { 'consumer.session.timeout.ms': '50000' } },
        { type: 'client-metrics-configured', name: 'all', configs: { metrics: '', 'interval.ms': '1000' } },
        { type: 'client-quota-set', quota: { entity: { user: null, 'client-id': '\0"' }, quotas: awkwardQuotas } },
        { type: 'client-quota-set', quota: { entity: { ip: null }, quotas: { connection_creation_rate: 1 } } },
        { type: 'scram-user-set', name: 'ü\0\\', credentials: { 'SCRAM-SHA-256': credential } },
        { type: 'decoy-secret-set', secret: 'c2VjcmV0' },
        { type: 'acl-created', id: idOf('acl'), acl: aclOf('x'.repeat(10_000)) },
        { type: 'acl-created', id: idOf('another acl'), acl: aclOf('\0') },
        { type: 'delegation-token-set', token: tokenOf('one') },
      ]);
      const image = await store.commit(() => [
        { type: 'partitions-added', id: idOf('plain'), partitions: [partitionOn(1, [BrokerId(2), BrokerId(1)])] },
        { type: 'partition-changed', id: idOf('many'), partition: moved(3, 1) },
        { type: 'partition-changed', id: idOf('many'), partition: reassigned },
        { type: 'partition-restored', id: idOf('many'), partition: moved(5, 9) },
        { type: 'broker-fencing-changed', id: BrokerId(1), isFenced: true },
        { type: 'controller-elected', id: BrokerId(2), epoch: 7 },
        { type: 'topic-configured', id: idOf('plain'), configs: { 'segment.ms': '1' } },
        { type: 'delegation-token-set', token: { ...tokenOf('one'), expiresAtMs: 1_700_000_000_001 } },
      ]);
      expect(image.topics.get('plain')?.partitions.map(({ index }) => index)).toEqual([0, 1]);
      expect(image.topics.get('many')?.partitions[3]).toEqual(moved(3, 1));
      expect(image.topics.get('many')?.partitions[4]).toEqual(reassigned);
      expect(image.topics.get('many')?.partitions[5]).toEqual(moved(5, 9));
      expect(image.brokers.get(BrokerId(1))).toMatchObject({ isFenced: true });
      expect(image.brokers.get(BrokerId(2))).toMatchObject({ isFenced: false });
      expect(image.controller).toEqual({ id: 2, epoch: 7 });
      expect(image.topicsById.get(idOf('plain'))?.configs).toEqual({ 'segment.ms': '1' });
      expect(image.groupConfigs.get('ü\0\\')).toEqual({ 'consumer.session.timeout.ms': '50000' });
      expect(image.clientMetricsConfigs.get('all')).toEqual({ metrics: '', 'interval.ms': '1000' });
      const quota = image.clientQuotas.get(quotaKey({ 'client-id': '\0"', user: null }));
      expect(quota).toEqual({ entity: { user: null, 'client-id': '\0"' }, quotas: awkwardQuotas });
      expect(image.scramUsers.get('ü\0\\')).toEqual({ 'SCRAM-SHA-256': credential });
      expect(image.decoySecret).toBe('c2VjcmV0');
      expect(image.acls.get(idOf('acl'))).toEqual(aclOf('x'.repeat(10_000)));
      expect(image.delegationTokens.get('one')).toEqual({ ...tokenOf('one'), expiresAtMs: 1_700_000_000_001 });
      expect(await (await data.connect()).open()).toEqual(image);
    });

    test('a deleted topic is gone, and its name can be reused with another id', async () => {
      const store = await opened();
      await store.commit(() => [
        { type: 'topic-created', topic: topic('t', 3) },
        {
          type: 'broker-registered',
          broker: { id: BrokerId(1), host: 'one', port: 9092, rack: null, incarnation: null },
        },
        { type: 'broker-configured', id: '1', configs: { a: 'b' } },
        { type: 'group-configured', groupId: 'g', configs: { a: 'b' } },
        { type: 'client-metrics-configured', name: 'm', configs: { a: 'b' } },
        { type: 'client-quota-set', quota: { entity: { user: 'u' }, quotas: { request_percentage: 1 } } },
        { type: 'scram-user-set', name: 'u', credentials: { 'SCRAM-SHA-512': credential } },
        { type: 'acl-created', id: idOf('acl'), acl: aclOf('t') },
        { type: 'delegation-token-set', token: tokenOf('one') },
      ]);
      const again = { ...topic('t', 1), id: idOf('another') };
      const image = await store.commit(() => [
        { type: 'topic-deleted', id: idOf('t') },
        { type: 'topic-created', topic: again },
        { type: 'broker-removed', id: BrokerId(1) },
        { type: 'broker-configured', id: '1', configs: {} },
        { type: 'group-configured', groupId: 'g', configs: {} },
        { type: 'client-metrics-configured', name: 'm', configs: {} },
        { type: 'client-quota-set', quota: { entity: { user: 'u' }, quotas: {} } },
        { type: 'scram-user-set', name: 'u', credentials: {} },
        { type: 'acl-deleted', id: idOf('acl') },
        { type: 'delegation-token-removed', id: 'one' },
      ]);
      expect([...image.topicsById.values()]).toEqual([again]);
      expect(image.brokers.size + image.brokerConfigs.size).toBe(0);
      expect(image.groupConfigs.size + image.clientMetricsConfigs.size + image.clientQuotas.size).toBe(0);
      expect(image.scramUsers.size + image.acls.size + image.delegationTokens.size).toBe(0);
      expect(await (await data.connect()).open()).toEqual(image);
    });

    test('if one change of a commit conflicts, none is made', async () => {
      const store = await opened();
      const before = await store.commit(() => [
        { type: 'topic-created', topic: topic('t', 1) },
        { type: 'decoy-secret-set', secret: 'c2VjcmV0' },
        { type: 'acl-created', id: idOf('acl'), acl: aclOf('t') },
      ]);
      const misfits = [
        { type: 'topic-created', topic: { ...topic('t', 1), id: idOf('another') } },
        { type: 'topic-created', topic: { ...topic('u', 1), id: idOf('t') } },
        { type: 'topic-deleted', id: idOf('nothing') },
        { type: 'topic-configured', id: idOf('nothing'), configs: {} },
        { type: 'partitions-added', id: idOf('t'), partitions: [partitionOn(2, [BrokerId(1)])] },
        { type: 'partition-changed', id: idOf('t'), partition: moved(0, 2) },
        { type: 'partition-changed', id: idOf('t'), partition: moved(1, 1) },
        { type: 'partition-restored', id: idOf('t'), partition: partitionOn(0, [BrokerId(1)]) },
        { type: 'broker-removed', id: BrokerId(9) },
        { type: 'broker-fencing-changed', id: BrokerId(9), isFenced: true },
        { type: 'controller-elected', id: BrokerId(1), epoch: 0 },
        { type: 'decoy-secret-set', secret: 'b3RoZXI=' },
        { type: 'acl-created', id: idOf('acl'), acl: aclOf('u') },
        { type: 'acl-deleted', id: idOf('nothing') },
        { type: 'delegation-token-removed', id: 'nothing' },
      ] as const;
      for (const misfit of misfits) {
        const commit = store.commit(() => [{ type: 'topic-created', topic: topic('with it', 1) }, misfit]);
        await expect(commit).rejects.toThrow(MetadataConflict);
        await expect(commit).rejects.toMatchObject({ change: misfit });
      }
      expect(await (await data.connect()).open()).toEqual(before);
    });

    test('of two concurrent changes of the same row, one succeeds and the other gets a conflict', async () => {
      const [one, other] = [await opened(), await opened()];
      await one.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }]);
      const commits = [one, other, one, other].map((store) =>
        store.commit(() => [{ type: 'partition-changed', id: idOf('t'), partition: moved(0, 1) }]),
      );
      const ends = await Promise.allSettled(commits);
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const end of ends) if (end.status === 'rejected') expect(end.reason).toBeInstanceOf(MetadataConflict);
    });

    test('concurrent commits of several brokers all succeed, one version each', async () => {
      const stores = [await opened(), await opened(), await opened()];
      const before = await (await data.connect()).open();
      const commits = Array.from({ length: 30 }, (_, at) =>
        storeAt(stores, at).commit(() => [{ type: 'topic-created', topic: topic(`t${at}`, 1) }]),
      );
      const images = await Promise.all(commits);
      expect(new Set(images.map(({ version }) => version)).size).toBe(30);
      images.forEach((image, at) => expect(image.topics.has(`t${at}`)).toBe(true));
      const after = await (await data.connect()).open();
      expect(after.topics.size).toBe(30);
      expect(after.version).toBe(before.version + 30);
    });

    test('each decision sees all earlier commits, of any store', async () => {
      const stores = [await opened(), await opened()];
      const append = (item: string) => (image: ClusterImage) => {
        const { list = '' } = image.brokerConfigs.get('') ?? {};
        return [{ type: 'broker-configured', id: '', configs: { list: `${list}${item},` } }] as const;
      };
      const items = Array.from({ length: 20 }, (_, at) => `i${at}`);
      await Promise.all(items.map((item, at) => storeAt(stores, at).commit(append(item))));
      const { list = '' } = (await (await data.connect()).open()).brokerConfigs.get('') ?? {};
      expect(new Set(list.split(',').slice(0, -1))).toEqual(new Set(items));
    });

    test('of two concurrent creations of one name, the second is decided on the topic of the first', async () => {
      const stores = [await opened(), await opened()];
      const createUnlessThere = (id: Uuid) => (image: ClusterImage) =>
        image.topics.has('t') ? [] : [{ type: 'topic-created', topic: { ...topic('t', 1), id } } as const];
      const ids = ['one', 'other', 'third', 'fourth'].map(idOf);
      const images = await Promise.all(ids.map((id, at) => storeAt(stores, at).commit(createUnlessThere(id))));
      expect(new Set(images.map(({ topics }) => topics.get('t')?.id)).size).toBe(1);
    });

    test('a decision to change nothing writes nothing and resolves with the true image', async () => {
      const [store, other] = [await opened(), await opened()];
      const image = await other.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }]);
      expect(await store.commit(() => [])).toEqual(image);
      expect((await (await data.connect()).open()).version).toBe(image.version);
    });

    test('a decision that throws changes nothing, and the next one is served', async () => {
      const store = await opened();
      const broken = new Error('a decision that cannot be made');
      await expect(
        store.commit(() => {
          throw broken;
        }),
      ).rejects.toThrow(broken);
      expect((await store.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }])).topics.size).toBe(1);
    });

    test('a broker has the addresses of its listeners, until it registers without them', async () => {
      const [store, other] = [await opened(), await opened()];
      const broker = { id: BrokerId(1), host: 'h', port: 1, rack: null, incarnation: null };
      const listeners = { PLAINTEXT: { host: 'h', port: 1 }, CLIENTS: { host: 'h.example', port: 9093 } };
      const listenersOf = (image: ClusterImage) => image.brokers.get(broker.id)?.listeners;
      await store.commit(() => [{ type: 'broker-registered', broker: { ...broker, listeners } }]);
      expect(listenersOf(await other.commit(() => []))).toEqual(listeners);
      await store.commit(() => [{ type: 'broker-registered', broker }]);
      expect(listenersOf(await other.commit(() => []))).toBeUndefined();
    });

    test('a broker commits under the epoch of its registration, and no longer when another registered after it', async () => {
      const [store, other] = [await opened(), await opened()];
      const register = () =>
        [
          { type: 'broker-registered', broker: { id: BrokerId(1), host: 'h', port: 1, rack: null, incarnation: null } },
        ] as const;
      const fenceOf = (image: ClusterImage) => ({
        brokerId: BrokerId(1),
        brokerEpoch: image.brokers.get(BrokerId(1))?.epoch ?? -1,
      });
      const create = (name: string) => () => [{ type: 'topic-created', topic: topic(name, 1) } as const];
      await expect(store.commit(create('too early'), fenceOf(await store.commit(() => [])))).rejects.toThrow(
        BrokerFenced,
      );
      const fence = fenceOf(await store.commit(register));
      expect((await store.commit(create('in time'), fence)).topics.has('in time')).toBe(true);
      const successor = fenceOf(await other.commit(register));
      await expect(store.commit(create('too late'), fence)).rejects.toThrow(BrokerFenced);
      const image = await other.commit(create('its own'), successor);
      expect([...image.topics.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(['in time', 'its own']);
    });

    test('a database that went back fences a broker until it has registered again, in an epoch beyond its former one', async () => {
      const store = await opened();
      const register = () =>
        [
          {
            type: 'broker-registered',
            broker: { id: BrokerId(1), host: 'h', port: 1, rack: null, incarnation: idOf('life') },
          },
        ] as const;
      const registered = async () => (await store.commit(register)).brokers.get(BrokerId(1));
      const restore = await data.backup();
      const { epoch: brokerEpoch = -1 } = (await registered()) ?? {};
      await restore();
      const create = () => [{ type: 'topic-created', topic: topic('t', 1) } as const];
      await expect(store.commit(create, { brokerId: BrokerId(1), brokerEpoch })).rejects.toThrow(BrokerFenced);
      expect((await store.commit(() => [])).topics.size).toBe(0);
      const again = await registered();
      expect(again?.epoch).toBeGreaterThan(brokerEpoch);
      expect(again?.incarnation).toBe(idOf('life'));
      const image = await store.commit(create, { brokerId: BrokerId(1), brokerEpoch: again?.epoch ?? -1 });
      expect(image.topics.size).toBe(1);
      expect(await (await data.connect()).open()).toEqual(image);
    });

    test('a controller commits under its epoch, and no longer when another one was elected', async () => {
      const [store, other] = [await opened(), await opened()];
      const registered = await store.commit(() => [
        { type: 'broker-registered', broker: { id: BrokerId(1), incarnation: null, host: 'h', port: 1, rack: null } },
        { type: 'controller-elected', id: BrokerId(1), epoch: 1 },
      ]);
      const brokerEpoch = registered.brokers.get(BrokerId(1))?.epoch ?? -1;
      const fence = { brokerId: BrokerId(1), brokerEpoch, controllerEpoch: 1 };
      const create = (name: string) => () => [{ type: 'topic-created', topic: topic(name, 1) } as const];
      expect((await store.commit(create('in time'), fence)).topics.has('in time')).toBe(true);
      await other.commit(() => [{ type: 'controller-elected', id: BrokerId(1), epoch: 2 }]);
      await expect(store.commit(create('too late'), fence)).rejects.toThrow(ControllerFenced);
      const image = await store.commit(create('as a broker'), { brokerId: BrokerId(1), brokerEpoch });
      expect(image.topics.has('too late')).toBe(false);
      expect(image.topics.has('as a broker')).toBe(true);
    });

    test('all partitions of a broker that failed change in one commit, or none does', async () => {
      const [store, other] = [await opened(), await opened()];
      await store.commit(() => [{ type: 'topic-created', topic: topic('t', 1_500) }]);
      const all = Array.from({ length: 1_500 }, (_, index) => ({
        type: 'partition-changed' as const,
        id: idOf('t'),
        partition: moved(index, 1),
      }));
      const image = await store.commit(() => all);
      expect(await other.commit(() => [])).toEqual(image);
      expect(await (await data.connect()).open()).toEqual(image);
      expect(image.topics.get('t')?.partitions.every(({ leader }) => leader === BrokerId(2))).toBe(true);
      await expect(
        store.commit(() => [{ type: 'topic-configured', id: idOf('t'), configs: {} }, ...all]),
      ).rejects.toThrow(MetadataConflict);
    });

    test('a broker that registers again gets an epoch that was never used before', async () => {
      const store = await opened();
      const register = {
        type: 'broker-registered',
        broker: { id: BrokerId(1), host: 'h', port: 1, rack: null, incarnation: null },
      } as const;
      const epochs = [];
      for (const changes of [[register], [register], [{ type: 'broker-removed', id: BrokerId(1) } as const, register]])
        epochs.push((await store.commit(() => changes)).brokers.get(BrokerId(1))?.epoch ?? 0);
      expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
      expect(new Set(epochs).size).toBe(3);
    });

    test('a watcher gets the commits of other stores and of its own, in order', async () => {
      const [watching, other] = [await opened(), await opened()];
      const seen: ClusterImage[] = [];
      const heard = new Promise<void>((resolve) => {
        watching.watch((image) => {
          seen.push(image);
          if (image.topics.has('last')) resolve();
        });
      });
      await other.commit(() => [{ type: 'topic-created', topic: topic('first', 1) }]);
      await watching.commit(() => [{ type: 'topic-created', topic: topic('second', 1) }]);
      await other.commit(() => [{ type: 'topic-created', topic: topic('last', 1) }]);
      await heard;
      const versions = seen.map(({ version }) => version);
      expect(versions).toEqual([...new Set(versions)].toSorted((a, b) => a - b));
      expect(seen.at(-1)?.topics.size).toBe(3);
    });

    test('a watch that was stopped gets no more images', async () => {
      const store = await opened();
      let calls = 0;
      const stop = store.watch(() => calls++);
      const heard = new Promise<void>((resolve) => void store.watch(() => resolve()));
      stop();
      await store.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }]);
      await heard;
      expect(calls).toBe(0);
    });

    test('a follower that is behind by many commits, large ones among them, has the same image', async () => {
      const [behind, other] = [await opened(), await opened()];
      for (let at = 0; at < 5; at++) await other.commit(() => [{ type: 'topic-created', topic: topic(`t${at}`, 2) }]);
      await other.commit(() => [{ type: 'topic-created', topic: topic('large', 2_000) }]);
      const image = await other.commit(() => [
        { type: 'group-configured', groupId: '\0', configs: { a: '\\' } },
        { type: 'client-quota-set', quota: { entity: { user: '\0"' }, quotas: awkwardQuotas } },
      ]);
      expect(await behind.commit(() => [])).toEqual(image);
    });

    test('a store that remembers an earlier moment of the database, or the newest, finds the same origin', async () => {
      const store = await opened();
      expect((await data.connect()).sighting()).toBeUndefined();
      const earlier = store.sighting();
      const image = await store.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }]);
      for (const seen of [undefined, earlier, store.sighting()])
        expect(await (await data.connect()).open(seen)).toEqual(image);
    });

    test('a database that was set back while no store used it has another origin, beyond the version that was seen', async () => {
      const store = await opened();
      const restore = await data.backup();
      const image = await store.commit(() => [{ type: 'topic-created', topic: topic('t', 1) }]);
      const seen = store.sighting();
      await store.close();
      await restore();
      const restored = await (await data.connect()).open(seen);
      expect(isSameOrigin(restored.origin, image.origin)).toBe(false);
      expect(restored.version).toBeGreaterThan(image.version);
      expect(restored.topics.size).toBe(0);
      const next = await data.connect();
      expect(await next.open()).toEqual(restored);
      expect(next.sighting()).toMatchObject({ origin: restored.origin, version: restored.version });
    });

    test('a database that is set back under its stores decides on its own content, and its versions continue', async () => {
      const [store, other] = [await opened(), await opened()];
      await store.commit(() => [{ type: 'topic-created', topic: topic('kept', 1) }]);
      const restore = await data.backup();
      const seen = await store.commit(() => [{ type: 'topic-created', topic: topic('lost', 1) }]);
      const heard = new Promise<ClusterImage>((resolve) => {
        other.watch((image) => {
          if (image.topics.has('new')) resolve(image);
        });
      });
      await restore();
      const image = await store.commit(({ topics }) =>
        topics.has('lost') ? [] : [{ type: 'topic-created', topic: topic('new', 1) }],
      );
      expect([...image.topics.keys()].toSorted((a, b) => a.localeCompare(b))).toEqual(['kept', 'new']);
      expect(image.version).toBeGreaterThan(seen.version);
      expect(isSameOrigin(image.origin, seen.origin)).toBe(false);
      expect((await heard).topics).toEqual(image.topics);
    });

    test('a memory of another cluster is ignored', async () => {
      const store = await opened();
      const seen = { ...(store.sighting() as Sighting), clusterId: 'another', version: 1_000 };
      expect((await (await data.connect()).open(seen)).version).toBeLessThan(1_000);
    });

    test('no producer id is below what the caller knows to be in use', async () => {
      const [store, other] = [await opened(), await opened()];
      expect(await store.allocateProducerIds(10, 5_000n)).toBe(5_000n);
      expect(await other.allocateProducerIds(10, 7n)).toBe(5_010n);
      expect(await store.allocateProducerIds(10, 2n ** 62n)).toBe(2n ** 62n);
    });

    test('no producer id is used twice, by any store', async () => {
      const stores = [await opened(), await opened()];
      const blocks = await Promise.all(
        Array.from({ length: 20 }, (_, at) => storeAt(stores, at).allocateProducerIds(500, 0n)),
      );
      const firsts = blocks.toSorted((a, b) => Number(a - b));
      expect(firsts).toEqual(Array.from({ length: 20 }, (_, at) => BigInt(at * 500)));
    });
  });
}

const awkwardQuotas = { producer_byte_rate: 1e21, consumer_byte_rate: 0.1, request_percentage: 5e-324 };

const storeAt = (stores: readonly MetadataStore[], at: number): MetadataStore =>
  stores[at % stores.length] as MetadataStore;

/** A stable id for each name, so that a failure reads well. */
function idOf(name: string): Uuid {
  const hex = Buffer.from(name).toString('hex').padEnd(32, '0').slice(0, 32);
  return Uuid(hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
}

const topic = (name: string, partitions: number, configs: Record<string, string> = {}): TopicState => ({
  id: idOf(name),
  name,
  configs,
  partitions: Array.from({ length: partitions }, (_, index) => partitionOn(index, [BrokerId(1), BrokerId(2)])),
});

const reassigned: PartitionState = {
  ...partitionOn(4, [BrokerId(3), BrokerId(1), BrokerId(2)]),
  isr: [BrokerId(1), BrokerId(2)],
  leader: BrokerId(1),
  partitionEpoch: 1,
  addingReplicas: [BrokerId(3)],
  removingReplicas: [BrokerId(2)],
};

/** The partition after a change of leader; it takes a partition at `partitionEpoch - 1`. */
const moved = (index: number, partitionEpoch: number): PartitionState => ({
  index,
  replicas: [BrokerId(1), BrokerId(2)],
  isr: [BrokerId(2)],
  leader: BrokerId(2),
  leaderEpoch: LeaderEpoch(1),
  partitionEpoch,
});
