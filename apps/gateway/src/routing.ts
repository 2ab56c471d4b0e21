// The routes in force. A change in PostgreSQL, of any process, counts within a second, and interrupts no device.
//
// Promises: a change takes effect as a whole or not at all: if one of its routes cannot be used, all stay as they are, and
// the log says which and why. While the database is away, the last known routes stay in force.
import type { Logger } from '@milepost/core';
import { PostgresRouteStore, RouteFollower } from '@milepost/postgres';
import { type Base, checkStored, compileRoutes, effective, type Route, type StoredRoutes } from '@milepost/routes';
import type { DataSource } from 'typeorm';

export interface RoutingDeps {
  readonly base: Base;
  /** Undefined: only the routes of the base. */
  readonly database: DataSource | undefined;
  readonly logger: Logger;
  /** Makes a log topic usable. */
  readonly openTopic: (topic: string) => Promise<void>;
}

export class Routing {
  readonly #deps: RoutingDeps;
  #follower: RouteFollower | undefined;
  /** Of the routes in force. */
  #version = 0;
  #complainedAt: number | undefined;

  constructor(deps: RoutingDeps) {
    this.#deps = deps;
  }

  /** For the start, when none are in force yet: a route that cannot be used is left out, and logged. */
  async load(): Promise<readonly Route[]> {
    const { base, database, logger, openTopic } = this.#deps;
    const stored = database ? await new PostgresRouteStore(database).read() : NONE;
    const { routes, problems } = checkStored(stored.routes);
    const usable: Route[] = [];
    for (const route of compileRoutes(effective(base, routes))) {
      try {
        await openTopic(route.topic);
        usable.push(route);
      } catch (failure) {
        problems.push(problemOfTopic(route, failure));
      }
    }
    for (const problem of problems) logger.error({}, `${problem}: the gateway starts without this route`);
    this.#version = stored.version;
    return usable;
  }

  /** `apply` puts other routes in force. */
  follow(apply: (routes: readonly Route[]) => void): void {
    const { database, logger } = this.#deps;
    if (!database) return;
    this.#follower = new RouteFollower(database, logger, async (stored) => {
      if (stored.version === this.#version) return true;
      const { routes, problem, isFinal } = await this.#usable(stored);
      if (problem === undefined) {
        apply(routes);
        this.#version = stored.version;
        logger.info({ version: stored.version, routes: routes.length }, 'other routes are in force');
        return true;
      }
      if (this.#complainedAt !== stored.version) logger.error({}, `${problem}: the routes stay as they were`);
      this.#complainedAt = stored.version;
      return isFinal;
    });
    this.#follower.start();
  }

  async stop(): Promise<void> {
    await this.#follower?.stop();
  }

  async #usable(stored: StoredRoutes): Promise<{ routes: readonly Route[]; problem?: string; isFinal: boolean }> {
    const checked = checkStored(stored.routes);
    const [problem] = checked.problems;
    if (problem !== undefined) return { routes: [], problem, isFinal: true };
    const routes = compileRoutes(effective(this.#deps.base, checked.routes));
    for (const route of routes) {
      try {
        await this.#deps.openTopic(route.topic);
      } catch (failure) {
        return { routes: [], problem: problemOfTopic(route, failure), isFinal: false };
      }
    }
    return { routes, isFinal: true };
  }
}

const NONE: StoredRoutes = { version: 0, routes: [] };

const problemOfTopic = ({ name, topic }: Route, failure: unknown): string =>
  `route ${name}: topic: expected a topic that exists or can be created, saw ${topic} (${(failure as Error).message})`;
