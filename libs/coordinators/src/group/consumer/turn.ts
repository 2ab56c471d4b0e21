// One command's turn at a consumer group: the command sets the next state, and what happens when that is durable.
import type { Timestamp } from '@milepost/core';
import type { GroupEvent, StoredGroup } from '../model/store.ts';
import type { GroupConfig } from '../model/config.ts';
import type { RebalanceReason } from '../model/rebalance-reason.ts';
import type { GroupContext } from '../model/context.ts';
import { type ConsumerGroup, sessionTimeoutOf } from './state.ts';

export type ConsumerVerb = (turn: ConsumerTurn) => void;

/** What the group was last compared with. In memory only. */
export interface CatalogMarks {
  /** Of the topic catalog. */
  version: number;
  regexesAt: number;
}

/** The timers of one group, as for a classic group. */
export interface ConsumerTimers {
  readonly marks: CatalogMarks;
  scheduleInConsumerGroup(name: string, delayMs: number, verb: ConsumerVerb): void;
  cancel(name: string): void;
  isScheduled(name: string): boolean;
  keepSession(memberId: string, timeoutMs: number): void;
  endSession(memberId: string): void;
}

export class ConsumerTurn {
  readonly context: GroupContext;
  readonly now: Timestamp;
  readonly timers: ConsumerTimers;
  readonly #before: ConsumerGroup;
  readonly #consequences: (() => void)[] = [];
  /** The next state. */
  group: ConsumerGroup;
  /** Set when members were removed: the group rebalances, or becomes classic if only classic members are left. */
  removal: RebalanceReason | undefined;
  /** The classic group that it becomes instead. */
  becomes: StoredGroup | undefined;

  constructor(context: GroupContext, group: ConsumerGroup, now: Timestamp, timers: ConsumerTimers) {
    this.context = context;
    this.group = group;
    this.#before = group;
    this.now = now;
    this.timers = timers;
  }

  /** The configuration of this group. */
  get config(): GroupConfig {
    return this.context.configOf(this.group.groupId);
  }

  /** One event, if anything has changed. */
  get events(): readonly GroupEvent[] {
    if (this.becomes) return [{ type: 'group-stored', group: this.becomes }];
    return this.group.data === this.#before.data ? [] : [{ type: 'group-stored', group: this.group.stored }];
  }

  /** Runs `consequence` when the events are durable and applied. */
  after(consequence: () => void): void {
    this.#consequences.push(consequence);
  }

  keepSession(memberId: string): void {
    const timeoutMs = sessionTimeoutOf(this.group.member(memberId), this.config);
    this.after(() => this.timers.keepSession(memberId, timeoutMs));
  }

  /** The targets must be computed again. */
  reportRebalance(reason: RebalanceReason): void {
    const { groupId, data } = this.group;
    this.after(() => {
      this.context.rebalances.add(1, { consumergroup: groupId, reason });
      this.context.logger.info({ group: groupId, epoch: data.groupEpoch, reason }, 'a group rebalances');
    });
  }

  runConsequences(): void {
    for (const consequence of this.#consequences) consequence();
  }
}
