// One group of any kind: its state, its committed offsets, its timers and its queue of commands. State changes only
// by `apply`, after its event is stored.
import { ErrorCode, invariant, type Timestamp, type Uuid } from '@milepost/core';
import { CommandQueue, type Decision } from '../runtime/command-queue.ts';
import type { Slot, SlotHost } from '../runtime/shard.ts';
import { resume } from './classic/resume.ts';
import { ClassicGroup } from './classic/state.ts';
import { applyStored, settledGroup } from './classic/stored.ts';
import { ClassicTurn, type ClassicVerb, failedJoin, failedSync } from './classic/turn.ts';
import { resumeConsumers } from './consumer/session.ts';
import { ConsumerGroup, type ConsumerState, emptyConsumerGroup, revivedConsumers } from './consumer/state.ts';
import { ConsumerTurn, type ConsumerVerb } from './consumer/turn.ts';
import { asClassic, asConsumer, asShare, type Group } from './group.ts';
import { GroupTimers } from './group-timers.ts';
import { downgradeOrRebalance } from './migration/downgrade.ts';
import { upgraded } from './migration/upgrade.ts';
import { rowOf, withoutMember } from './share/heartbeat.ts';
import { ShareGroup, type ShareState } from './share/state.ts';
import { endOfTransaction } from './transactional-commit.ts';
import type { TransactionEnd } from './model/commands.ts';
import type { GroupContext } from './model/context.ts';
import { Offsets } from './model/offsets.ts';
import { PendingOffsets } from './model/pending-offsets.ts';
import type { GroupEvent, StoredGroup } from './model/store.ts';
import type { ClassicCommand, ConsumerCommand } from './slot-command.ts';

interface GroupDecision extends Decision<GroupEvent> {
  /** The group once the events are stored, where the command changes its members. */
  readonly next?: Group;
}

export class GroupSlot implements Slot<GroupEvent> {
  readonly groupId: string;
  readonly offsets = new Offsets();
  readonly pending = new PendingOffsets();
  readonly timers: GroupTimers;
  readonly #context: GroupContext;
  readonly #host: SlotHost<GroupEvent>;
  readonly #queue: CommandQueue<GroupEvent, GroupDecision>;
  #group: Group | undefined;
  /** The group's row in the store. A group without one is removed when the last member has left. */
  #row: StoredGroup | undefined;

  constructor(groupId: string, context: GroupContext, host: SlotHost<GroupEvent>) {
    this.groupId = groupId;
    this.#context = context;
    this.#host = host;
    this.timers = new GroupTimers(this, host.clock);
    this.#queue = new CommandQueue({
      clock: host.clock,
      timeoutMs: context.config.offsetsCommitTimeoutMs,
      persist: (events) => host.persist(events),
      restate: (failed) => this.#restate(failed),
      failed: (problem) => context.logger.error({ group: groupId, err: problem }, 'a command on a group failed'),
      idle: () => {
        if (!this.#group && !this.mayLeavePending) host.vacated();
      },
    });
  }

  /** As of the last command that was stored. */
  get group(): Group | undefined {
    return this.#group;
  }

  /** Whether the store has a row of the group. */
  get isStored(): boolean {
    return this.#row !== undefined;
  }

  /** That row. Undefined also in the midst of a classic rebalance, when it cannot be derived from the state. */
  get stored(): StoredGroup | undefined {
    if (!this.#row || !this.#group) return undefined;
    return this.#group.kind === 'classic' ? settledGroup(this.#group) : this.#group.stored;
  }

  get isIdle(): boolean {
    return this.#queue.isIdle;
  }

  /** A write of pending offsets failed and may have landed: the store may have some that are not applied here. */
  get mayLeavePending(): boolean {
    return this.#queue.inDoubt.some(writesPending);
  }

  /**
   * The member's removal is being stored. A member that came back now must not get a success: as soon as the
   * removal is durable, what it holds is given to another one.
   */
  isBeingRemoved(memberId: string): boolean {
    const next = this.#queue.storing?.next;
    return next !== undefined && !next.members.has(memberId) && this.#group?.members.has(memberId) === true;
  }

  submitClassic({ classic, consumer, noGroup, refused }: ClassicCommand): void {
    this.#queue.add({
      decide: (now) => {
        const consumers = asConsumer(this.#group);
        const isInUse = consumers && !consumers.isDeserted;
        if (isInUse && consumer) return this.#decideConsumer(consumers, consumer, now);
        if (noGroup && !asClassic(this.#group)) return { events: [], apply: noGroup };
        if (asShare(this.#group)) return { events: [], apply: () => refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL) };
        invariant(!isInUse, () => `group ${this.groupId}: a classic command would replace a consumer group`);
        return this.#decideClassic(classic, now);
      },
      refused,
    });
  }

  /** Generations of the classic protocol and epochs of the consumer protocol continue each other. */
  submitConsumer({ consumer, upgrades, classicGroup, noGroup, refused }: ConsumerCommand): void {
    this.#queue.add({
      decide: (now) => {
        const group = this.#group;
        if (group?.kind === 'consumer') return this.#decideConsumer(group, consumer, now);
        const staysAsItIs = (reason?: string) => (classicGroup ? classicGroup(reason) : noGroup?.());
        if (group?.kind === 'share') return { events: [], apply: () => staysAsItIs() };
        if (!group || group.members.size === 0) {
          if (noGroup) return { events: [], apply: noGroup };
          return this.#decideConsumer(emptyConsumerGroup(this.groupId, group?.generation ?? 0), consumer, now);
        }
        if (!upgrades) return { events: [], apply: () => staysAsItIs() };
        const converted = upgraded(group, this.#context.config, this.#context.catalog);
        if (typeof converted === 'string') return { events: [], apply: () => staysAsItIs(converted) };
        return this.#decideConsumer(converted, consumer, now, group);
      },
      refused,
    });
  }

  /** The transaction of a producer has ended. Nothing else may rest on its pending offsets before that is stored. */
  endTransaction(end: TransactionEnd): Promise<ErrorCode> {
    return new Promise((resolve) => {
      this.#queue.add({
        decide: () => {
          const events = endOfTransaction(this.groupId, this.offsets, this.pending, end);
          const apply = () => {
            for (const event of events) this.apply(event);
            resolve(ErrorCode.NONE);
          };
          return { events, apply };
        },
        refused: resolve,
      });
    });
  }

  expireShareMember(memberId: string, isDue: () => boolean): Promise<ErrorCode> {
    const { groupId } = this;
    return this.submit(
      () => {
        const group = asShare(this.#group);
        if (!group?.members.has(memberId) || !isDue()) return { events: [], response: ErrorCode.NONE };
        const { logger, rebalances } = this.#context;
        logger.info({ group: groupId, member: memberId }, 'a member gave no sign of life in time');
        rebalances.add(1, { consumergroup: groupId, reason: 'session_expired' });
        return { ...withoutMember(group, memberId), response: ErrorCode.NONE };
      },
      (refusal) => refusal,
    );
  }

  /** For commands that concern the group as a whole, or only its offsets; and for those of share groups. */
  submit<Response>(
    decide: (now: Timestamp) => { readonly events: readonly GroupEvent[]; readonly response: Response },
    refused: (error: ErrorCode) => Response,
  ): Promise<Response> {
    return new Promise((resolve) => {
      this.#queue.add({
        decide: (now) => {
          const { events, response } = decide(now);
          const apply = () => {
            for (const event of events) this.apply(event);
            resolve(response);
          };
          return { events, apply, isRead: events.length === 0 };
        },
        refused: (error) => resolve(refused(error)),
      });
    });
  }

  /** The group was loaded: its deadlines start again. */
  resume(): void {
    const refused = () => {};
    const share = asShare(this.#group);
    const { shareSessionTimeoutMs } = this.#context.configOf(this.groupId);
    if (share) for (const memberId of share.members.keys()) this.timers.keepSession(memberId, shareSessionTimeoutMs);
    else if (this.#group?.kind === 'consumer') this.submitConsumer({ consumer: resumeConsumers, refused });
    else this.submitClassic({ classic: resume, refused });
  }

  apply(event: GroupEvent): void {
    switch (event.type) {
      case 'group-stored':
        this.#restore(event.group);
        this.#row = event.group;
        break;
      case 'group-deleted':
        this.#group = undefined;
        this.#row = undefined;
        this.offsets.clear();
        this.pending.clear();
        this.timers.cancelAll();
        break;
      case 'offset-committed':
        this.#group ??= this.#newClassicGroup();
        this.offsets.set(event.offset);
        break;
      case 'offset-deleted':
        this.offsets.delete(event.topic, event.partition);
        this.pending.delete(event.topic, event.partition);
        break;
      case 'offset-pending':
        this.#group ??= this.#newClassicGroup();
        this.pending.set(event.pending);
        break;
      case 'pending-offsets-ended':
        this.pending.end(event.producerId);
        break;
      case 'share-partition-initialized':
      case 'share-topic-forgotten':
        break; // rows of the leaders of partitions
    }
  }

  close(error: ErrorCode): void {
    this.timers.close();
    this.#queue.close(error);
    const classic = asClassic(this.#group);
    if (classic) respondToAll(classic, error);
  }

  /**
   * Needed after a write that would have removed a member, or the group: if it landed, a restart gives away what the member
   * holds, so the member must not get a success. And after one with pending offsets: if it landed and their transaction
   * ends meanwhile, they would stay pending for good. Other writes take nothing from any member.
   */
  #restate(failed: readonly GroupDecision[]): readonly GroupEvent[] {
    const members = [...(this.#group?.members.keys() ?? [])];
    const takesAway = failed.some(
      ({ events, next }) =>
        events.some(({ type }) => type === 'group-deleted') || (next && members.some((id) => !next.members.has(id))),
    );
    if (!takesAway && !failed.some(writesPending)) return [];
    const offsets = Array.from(this.offsets.topics()).flatMap((topic) => [...this.offsets.of(topic)]);
    return [
      { type: 'group-deleted', groupId: this.groupId }, // with what a write in doubt may have left
      ...(this.#row ? [{ type: 'group-stored', group: this.#row } as const] : []),
      ...offsets.map((offset) => ({ type: 'offset-committed', offset }) as const),
      ...this.pending.all().map((pending) => ({ type: 'offset-pending', pending }) as const),
      ...Object.entries(asShare(this.#group)?.data.initialized ?? {}).flatMap(([topicId, partitions]) =>
        partitions.map((partition) => rowOf(this.groupId, topicId as Uuid, partition)),
      ),
    ];
  }

  #decideClassic(verb: ClassicVerb, now: Timestamp): GroupDecision {
    const draft = asClassic(this.#group)?.draft() ?? new ClassicGroup(this.groupId, now);
    if (this.#group?.kind === 'consumer') draft.generation = this.#group.data.groupEpoch;
    const turn = new ClassicTurn(this.#context, draft, now, this.timers);
    verb(turn);
    const apply = () => {
      this.#replaceWith(draft);
      for (const event of turn.events) this.apply(event);
      if (draft.isDeserted && !this.#row && this.offsets.isEmpty && this.pending.isEmpty) this.#group = undefined;
      turn.runConsequences();
    };
    return { events: turn.events, apply, next: draft };
  }

  #decideConsumer(
    before: ConsumerGroup,
    verb: ConsumerVerb,
    now: Timestamp,
    upgradedFrom?: ClassicGroup,
  ): GroupDecision {
    const turn = new ConsumerTurn(this.#context, before, now, this.timers);
    verb(turn);
    downgradeOrRebalance(turn);
    const { events, becomes } = turn;
    const apply = () => {
      if (events.length > 0 && upgradedFrom) this.#upgrade(upgradedFrom, before);
      if (events.length > 0 && !becomes) this.#replaceWith(turn.group);
      for (const event of events) this.apply(event);
      turn.runConsequences();
      if (becomes) this.#resumeAsClassic(now);
    };
    return { events, apply, next: turn.group };
  }

  /** The classic members find the group as it is now when they join again. */
  #upgrade(group: ClassicGroup, converted: ConsumerGroup): void {
    this.#replaceWith(converted);
    this.#context.logger.info({ group: this.groupId }, 'a classic group becomes a consumer group');
    respondToAll(group, ErrorCode.REBALANCE_IN_PROGRESS);
    for (const { memberId, classic } of converted.data.members)
      if (classic) this.timers.keepSession(memberId, classic.sessionTimeoutMs);
  }

  /** As after a restart, and in the same step: no member may learn of partitions that another one still owns. */
  #resumeAsClassic(now: Timestamp): void {
    this.#context.logger.info({ group: this.groupId }, 'a consumer group becomes a classic group');
    const decision = this.#decideClassic(resume, now);
    invariant(
      decision.events.length === 0,
      () => `group ${this.groupId}: the start of a rebalance has nothing to store`,
    );
    decision.apply();
  }

  #restore(stored: StoredGroup): void {
    if (stored.kind === 'share') {
      this.#group = new ShareGroup(this.groupId, stored.state as ShareState);
      return;
    }
    if (stored.kind === 'consumer') {
      this.#group = new ConsumerGroup(this.groupId, revivedConsumers(stored.state as ConsumerState));
      return;
    }
    const group = asClassic(this.#group) ?? this.#newClassicGroup();
    this.#replaceWith(group);
    applyStored(group, stored);
  }

  /** The timers of a group of the other protocol have nothing to do any more. */
  #replaceWith(group: Group): void {
    if (this.#group && this.#group.kind !== group.kind) this.timers.cancelAll();
    this.#group = group;
  }

  #newClassicGroup(): ClassicGroup {
    return new ClassicGroup(this.groupId, this.#host.clock.now() as Timestamp);
  }
}

const writesPending = ({ events }: GroupDecision): boolean => events.some(({ type }) => type === 'offset-pending');

function respondToAll(group: ClassicGroup, error: ErrorCode): void {
  for (const member of group.members.values()) {
    member.join?.(failedJoin(error, member.memberId));
    member.sync?.(failedSync(error));
  }
}
