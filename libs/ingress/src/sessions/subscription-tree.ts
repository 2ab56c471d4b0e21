// Which sessions have subscribed to what: finds all subscriptions that match a topic, whatever their number. A branch for
// each level of the filters.
import type { StoredSubscription } from './session-store.ts';

export interface SessionSubscription extends StoredSubscription {
  readonly clientId: string;
}

interface Branch {
  readonly branches: Map<string, Branch>;
  /** Of the filter that ends here, by session. */
  readonly subscriptions: Map<string, SessionSubscription>;
}

export class SubscriptionTree {
  readonly #root = branch();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Replaces the session's subscription to the same filter. */
  add(subscription: SessionSubscription): void {
    let at = this.#root;
    for (const level of subscription.topic.split('/')) {
      let next = at.branches.get(level);
      if (!next) at.branches.set(level, (next = branch()));
      at = next;
    }
    if (!at.subscriptions.has(subscription.clientId)) this.#size++;
    at.subscriptions.set(subscription.clientId, subscription);
  }

  remove(clientId: string, filter: string): void {
    this.#remove(this.#root, filter.split('/'), 0, clientId);
  }

  /** `topic` has no wildcards. A leading wildcard does not match `$SYS/…` (MQTT-4.7.2-1). */
  match(topic: string): SessionSubscription[] {
    const found: SessionSubscription[] = [];
    collect(this.#root, topic.split('/'), 0, topic.startsWith('$'), found);
    return found;
  }

  /** Branches without subscriptions are removed too. */
  #remove(at: Branch, levels: readonly string[], depth: number, clientId: string): void {
    const level = levels[depth];
    if (level === undefined) {
      if (at.subscriptions.delete(clientId)) this.#size--;
      return;
    }
    const next = at.branches.get(level);
    if (!next) return;
    this.#remove(next, levels, depth + 1, clientId);
    if (next.subscriptions.size === 0 && next.branches.size === 0) at.branches.delete(level);
  }
}

function collect(
  at: Branch,
  levels: readonly string[],
  depth: number,
  isHidden: boolean,
  found: SessionSubscription[],
): void {
  const wildcards = !(isHidden && depth === 0);
  const rest = wildcards ? at.branches.get('#') : undefined; // `a/#` matches `a` too
  if (rest) for (const subscription of rest.subscriptions.values()) found.push(subscription);
  const level = levels[depth];
  if (level === undefined) {
    for (const subscription of at.subscriptions.values()) found.push(subscription);
    return;
  }
  const any = wildcards ? at.branches.get('+') : undefined;
  if (any) collect(any, levels, depth + 1, isHidden, found);
  const same = at.branches.get(level);
  if (same) collect(same, levels, depth + 1, isHidden, found);
}

const branch = (): Branch => ({ branches: new Map(), subscriptions: new Map() });
