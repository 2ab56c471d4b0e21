// The promises of every RouteStore.
import type { RouteDefinition } from './route.ts';
import { readRoute } from './route-schema.ts';
import type { RouteStore } from './route-store.ts';

export interface RouteStoreUnderTest {
  readonly store: RouteStore;
  close(): Promise<void>;
}

const routeOf = (name: string, more: object = {}): RouteDefinition =>
  readRoute({ name, filter: `${name}/+`, headers: { b: '2', a: '1' }, ...more });

export function routeStoreContract(name: string, make: () => Promise<RouteStoreUnderTest>): void {
  describe(name, () => {
    let it: RouteStoreUnderTest;
    let store: RouteStore;
    beforeEach(async () => {
      it = await make();
      ({ store } = it);
    });
    afterEach(() => it.close());

    test('has no routes at first, and then those of the last change, by name', async () => {
      expect((await store.read()).routes).toEqual([]);
      const routes = [routeOf('yard'), routeOf('depot', { order: 7, enabled: false })];
      const changed = await store.change(() => routes);
      expect(changed.routes).toEqual([routes[1], routes[0]]);
      expect(await store.read()).toEqual(changed);
      expect((await store.change((stored) => stored.filter((one) => one.name === 'yard'))).routes).toEqual([routes[0]]);
      expect((await store.read()).routes).toEqual([routes[0]]);
    });

    test('each change has a new version, and one that changes nothing has none', async () => {
      const versions = [(await store.read()).version];
      versions.push((await store.change(() => [routeOf('yard')])).version);
      versions.push((await store.change(() => [routeOf('yard', { order: 8 })])).version);
      versions.push((await store.change(() => [])).version);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
      expect((await store.change((stored) => stored)).version).toBe(versions.at(-1));
      const { version } = await store.change(() => [routeOf('yard')]);
      expect((await store.change(() => [routeOf('yard', { headers: { a: '1', b: '2' } })])).version).toBe(version);
    });

    test('a change that is refused changes nothing', async () => {
      const before = await store.change(() => [routeOf('yard')]);
      const refused = store.change(() => {
        throw new Error('refused');
      });
      await expect(refused).rejects.toThrow('refused');
      expect(await store.read()).toEqual(before);
    });

    test('changes wait for each other: none is lost', async () => {
      const names = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(names.map((one) => store.change((stored) => [...stored, routeOf(one)])));
      expect((await store.read()).routes.map((route) => route.name)).toEqual(names);
    });
  });
}
