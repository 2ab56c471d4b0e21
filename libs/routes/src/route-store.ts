// Where the routes of operators are stored. The built-in ones are not: they come with the program.
import type { RouteDefinition } from './route.ts';

export interface StoredRoutes {
  /** Grows by each change. */
  readonly version: number;
  readonly routes: readonly RouteDefinition[];
}

export interface RouteStore {
  read(): Promise<StoredRoutes>;
  /**
   * One change at a time, all of it or nothing: `decide` receives the stored routes and returns those that replace them.
   * If it throws, nothing changes, and the error is passed on.
   */
  change(decide: (stored: readonly RouteDefinition[]) => readonly RouteDefinition[]): Promise<StoredRoutes>;
}

export class MemoryRouteStore implements RouteStore {
  #stored: StoredRoutes = { version: 0, routes: [] };

  async read(): Promise<StoredRoutes> {
    return this.#stored;
  }

  async change(decide: (stored: readonly RouteDefinition[]) => readonly RouteDefinition[]): Promise<StoredRoutes> {
    const routes = [...decide(this.#stored.routes)].sort((a, b) => (a.name < b.name ? -1 : 1));
    if (routeText(routes) !== routeText(this.#stored.routes))
      this.#stored = { version: this.#stored.version + 1, routes };
    return this.#stored;
  }
}

/** For comparisons: JSON with the keys of objects in their order. */
export const routeText = (routes: RouteDefinition | readonly RouteDefinition[]): string =>
  JSON.stringify(routes, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
