import { BUILT_IN_ROUTES } from './built-in-routes.ts';
import { matchRoute } from './route.ts';
import { checkStored, RouteCatalog } from './route-catalog.ts';
import { MemoryRouteStore } from './route-store.ts';

let store: MemoryRouteStore;
let catalog: RouteCatalog;
beforeEach(() => {
  store = new MemoryRouteStore();
  catalog = new RouteCatalog({ kind: 'built-in', routes: BUILT_IN_ROUTES }, store);
});

const originsOf = async (name: string): Promise<string[]> =>
  (await catalog.list()).routes.filter((route) => route.name === name).map(({ origin }) => origin);

test('the built-in routes are there without a database of their own', async () => {
  const { version, routes } = await catalog.list();
  expect(version).toBe(0);
  expect(routes).toEqual(BUILT_IN_ROUTES.map((route) => ({ ...route, origin: 'built-in' })));
});

test('a new route comes before the built-in ones', async () => {
  await catalog.put([{ name: 'all-trucks', filter: 'trucks/+/gps', topic: 'yard' }], 'add');
  expect(matchRoute(await catalog.compiled(), 'trucks/t-1/gps')).toMatchObject({ route: { name: 'all-trucks' } });
});

test('a route that another one hides is refused, and nothing changes', async () => {
  const hidden = { name: 'mine', filter: 'trucks/+/gps', order: 5000 };
  await expect(catalog.put([{ name: 'first', filter: 'a/+' }, hidden], 'add')).rejects.toThrow(
    'route mine: order: expected a place before route trucks (trucks/+/gps, order 1000), which takes all of trucks/+/gps, saw 5000',
  );
  expect(await store.read()).toEqual({ version: 0, routes: [] });
});

test('of several routes one bad one is enough: nothing changes', async () => {
  const good = { name: 'good', filter: 'a/+' };
  await expect(catalog.put([good, { name: 'bad', filter: '#/a' }], 'add')).rejects.toThrow('route bad: filter');
  expect(await store.read()).toEqual({ version: 0, routes: [] });
});

test('a route is replaced only on request', async () => {
  await catalog.put([{ name: 'yard', filter: 'yard/+' }], 'add');
  await expect(catalog.put([{ name: 'yard', filter: 'a/+' }], 'add')).rejects.toThrow('route yard exists');
  await catalog.put([{ name: 'yard', filter: 'a/+' }], 'replace');
  expect((await catalog.list()).routes[0]).toMatchObject({ name: 'yard', filter: 'a/+', origin: 'operator' });
});

test('a built-in route is replaced by one of its name, and returns when that is removed', async () => {
  await catalog.put([{ name: 'nmea', filter: 'boats/+', decoder: 'nmea' }], 'add');
  expect(await originsOf('nmea')).toEqual(['operator']);
  expect(matchRoute(await catalog.compiled(), 'nmea/t-1').kind).toBe('no-route');
  await catalog.remove('nmea');
  expect(await originsOf('nmea')).toEqual(['built-in']);
  await expect(catalog.remove('nmea')).rejects.toThrow('route nmea is built in and cannot be removed: disable it');
  await expect(catalog.remove('nobody')).rejects.toThrow('there is no route nobody');
});

test('a disabled route takes nothing, and its place is free', async () => {
  await catalog.setEnabled('nmea', false);
  expect(matchRoute(await catalog.compiled(), 'nmea/t-1').kind).toBe('no-route');
  await catalog.put([{ name: 'late', filter: 'nmea/+', order: 9000 }], 'add');
  await expect(catalog.setEnabled('nmea', true)).resolves.toBeDefined();
});

test('a dry run sees a route that is not stored', async () => {
  const trial = { name: 'trial', filter: 'yard/+' };
  expect(matchRoute(await catalog.compiled(trial), 'yard/1')).toMatchObject({ route: { name: 'trial' } });
  expect(matchRoute(await catalog.compiled(), 'yard/1').kind).toBe('no-route');
});

test('a stored route that this version cannot use is named, and the others are used', async () => {
  const [route] = BUILT_IN_ROUTES;
  const { routes, problems } = checkStored([{ ...route, name: 'new', decoder: 'telepathy' } as never, route as never]);
  expect(routes).toEqual([route]);
  expect(problems).toEqual([expect.stringMatching(/^route new: decoder: expected one of .*, saw telepathy$/)]);
});
