// All routes together: those that come with the program (or with its settings), and those of operators, which replace the
// ones of the same name. Every change is checked against the others before it is stored; a bad one changes nothing.
import { compileRoutes, inOrder, type Route, type RouteDefinition } from './route.ts';
import { readRoute, RouteRefused } from './route-schema.ts';
import type { RouteStore } from './route-store.ts';
import { filterCovers } from './topic-filter.ts';

export type BaseKind = 'built-in' | 'setting';

export interface Base {
  readonly kind: BaseKind;
  readonly routes: readonly RouteDefinition[];
}

export type ListedRoute = RouteDefinition & {
  readonly origin: BaseKind | 'operator';
};

export interface RouteList {
  readonly version: number;
  /** In the order in which they are compared with a topic. */
  readonly routes: readonly ListedRoute[];
}

/** There is no route of that name, or one too many. */
export class RouteConflict extends Error {
  override readonly name = 'RouteConflict';
  readonly kind: 'missing' | 'exists';
  constructor(kind: 'missing' | 'exists', message: string) {
    super(message);
    this.kind = kind;
  }
}

export type PutMode = 'add' | 'replace';

export class RouteCatalog {
  readonly #base: Base;
  readonly #store: RouteStore;

  constructor(base: Base, store: RouteStore) {
    this.#base = base;
    this.#store = store;
  }

  async list(): Promise<RouteList> {
    const { version, routes } = await this.#store.read();
    return { version, routes: listed(this.#base, routes) };
  }

  /** As the gateways use them; with `trial`, as if that route were stored. @throws RouteRefused */
  async compiled(trial?: unknown): Promise<readonly Route[]> {
    const { routes: stored } = checkStored((await this.#store.read()).routes);
    if (trial === undefined) return compileRoutes(effective(this.#base, stored));
    const route = readRoute(trial);
    const all = effective(this.#base, [...stored.filter(({ name }) => name !== route.name), route]);
    checkReachable(route, all);
    return compileRoutes(all);
  }

  /** @throws RouteRefused, RouteConflict; nothing has changed then. */
  async put(documents: readonly unknown[], mode: PutMode): Promise<RouteList> {
    const routes = documents.map((document) => readRoute(document));
    return this.#change((stored) => {
      for (const { name } of routes)
        if (mode === 'add' && stored.some((one) => one.name === name))
          throw new RouteConflict('exists', `route ${name} exists: replace it, or choose another name`);
      const names = new Set(routes.map(({ name }) => name));
      const all = [...stored.filter(({ name }) => !names.has(name)), ...routes];
      for (const route of routes) checkReachable(route, effective(this.#base, all));
      return all;
    });
  }

  /** Of a replaced built-in route the original returns. @throws RouteConflict */
  async remove(name: string): Promise<RouteList> {
    return this.#change((stored) => {
      if (stored.some((one) => one.name === name)) return stored.filter((one) => one.name !== name);
      const base = this.#base.routes.find((one) => one.name === name);
      if (!base) throw new RouteConflict('missing', `there is no route ${name}`);
      const origin = this.#base.kind === 'built-in' ? 'is built in' : 'comes from the settings';
      throw new RouteConflict('exists', `route ${name} ${origin} and cannot be removed: disable it`);
    });
  }

  /** @throws RouteRefused, RouteConflict */
  async setEnabled(name: string, enabled: boolean): Promise<RouteList> {
    return this.#change((stored) => {
      const route = effective(this.#base, stored).find((one) => one.name === name);
      if (!route) throw new RouteConflict('missing', `there is no route ${name}`);
      const all = [...stored.filter((one) => one.name !== name), { ...route, enabled }];
      checkReachable({ ...route, enabled }, effective(this.#base, all));
      return all;
    });
  }

  /** Those of operators, as `readRoutes` reads them. */
  async exported(): Promise<readonly RouteDefinition[]> {
    return (await this.#store.read()).routes;
  }

  async #change(decide: (stored: readonly RouteDefinition[]) => readonly RouteDefinition[]): Promise<RouteList> {
    const { version, routes } = await this.#store.change(decide);
    return { version, routes: listed(this.#base, routes) };
  }
}

/** Another version of the program may have stored a route that this one cannot use. */
export function checkStored(stored: readonly RouteDefinition[]): { routes: RouteDefinition[]; problems: string[] } {
  const routes: RouteDefinition[] = [];
  const problems: string[] = [];
  for (const route of stored) {
    try {
      routes.push(readRoute(route));
    } catch (failure) {
      if (!(failure instanceof RouteRefused)) throw failure;
      problems.push(failure.message);
    }
  }
  return { routes, problems };
}

/** Those of the base, replaced by those of the same name that operators have stored, and their others. */
export function effective({ routes }: Base, stored: readonly RouteDefinition[]): readonly RouteDefinition[] {
  const names = new Set(stored.map(({ name }) => name));
  return inOrder([...routes.filter(({ name }) => !names.has(name)), ...stored]);
}

function listed(base: Base, stored: readonly RouteDefinition[]): readonly ListedRoute[] {
  const names = new Set(stored.map(({ name }) => name));
  return effective(base, stored).map((route) => ({
    ...route,
    origin: names.has(route.name) ? 'operator' : base.kind,
  }));
}

/** A route behind one that takes all its topics would never take a publish. */
function checkReachable(route: RouteDefinition, all: readonly RouteDefinition[]): void {
  if (!route.enabled) return;
  const before = all.slice(
    0,
    all.findIndex(({ name }) => name === route.name),
  );
  const other = before.find(({ enabled, filter }) => enabled && filterCovers(filter, route.filter));
  if (other)
    throw new RouteRefused(
      `route ${route.name}: order: expected a place before route ${other.name} (${other.filter}, order ${other.order}), which takes ` +
        `all of ${route.filter}, saw ${route.order}`,
    );
}
