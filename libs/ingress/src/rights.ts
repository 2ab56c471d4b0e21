// What an authenticated device may do: publish and subscribe as itself, and what the filters beside its id grant.
//
// Promises: a record that a device writes by its own right has its id as truck, whatever topic and format it came by. A
// subscription is permitted only if everything that it could receive is.
// Never: decides who the device is.
import { filterCovers, filterMatches, type Route, truckOf } from '@milepost/routes';
import type { DeviceIdentity } from '@milepost/security';

export class Rights {
  readonly id: string;
  /** As in Kafka: `User:t-1`. A header of its records. */
  readonly principal: Buffer;
  readonly #identity: DeviceIdentity;
  readonly #routes: () => readonly Route[];
  readonly #own: string;

  constructor(identity: DeviceIdentity, routes: () => readonly Route[]) {
    this.id = identity.id;
    this.principal = Buffer.from(`User:${identity.id}`);
    this.#identity = identity;
    this.#routes = routes;
    this.#own = `trucks/${identity.id}/#`;
  }

  /** Filters of topics where it may publish records of any truck. */
  get publish(): readonly string[] {
    return this.#identity.publish;
  }

  /** Whether it may publish records of any truck there. */
  isGranted(topic: string): boolean {
    return this.#identity.publish.some((filter) => filterMatches(filter, topic));
  }

  /** Whether the topic is below its own name, with or without a route. */
  isOwn(topic: string): boolean {
    return filterMatches(this.#own, topic);
  }

  /** A topic is a filter without wildcards. */
  maySubscribe(filter: string): boolean {
    return (
      filterCovers(this.#own, filter) ||
      this.#identity.subscribe.some((granted) => filterCovers(granted, filter)) ||
      this.#routes().some((route) => this.#isOwnOf(route, filter))
    );
  }

  /** The levels that name the truck name this device. */
  #isOwnOf({ filter, key }: Route, asked: string): boolean {
    if (!key || key.levels.length === 0 || !filterCovers(filter, asked)) return false;
    const levels = asked.split('/');
    if (key.levels.some((level) => levels[level] === '+' || levels[level] === '#')) return false;
    return truckOf(key, levels)?.truckId === this.id;
  }
}
