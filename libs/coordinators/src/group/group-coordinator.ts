// The coordinator of groups: memberships, generations and committed offsets, for the classic protocol, the consumer protocol
// (KIP-848) and share groups (KIP-932). Responses are plain results. A failure of the store is a retriable error code in them, never a
// rejection.
import {
  type Cancel,
  type Clock,
  type Counter,
  ErrorCode,
  type Logger,
  type Meter,
  type Random,
  retry,
  type Timestamp,
  type Uuid,
} from '@milepost/core';
import { OFFSETS_TOPIC } from '@milepost/metadata';
import { emptyDescription } from './model/described.ts';
import type { GroupConfig, GroupOverrides } from './model/config.ts';
import { commit, committed } from './commit.ts';
import type * as commands from './model/commands.ts';
import { deleteGroup, deleteOffsets } from './delete.ts';
import { describe, undescribed } from './describe.ts';
import { expireOffsets } from './expire-offsets.ts';
import { fetchOffsets } from './fetch-offsets.ts';
import { asClassic, asConsumer, asShare } from './group.ts';
import { heartbeat } from './classic/heartbeat.ts';
import { join } from './classic/join.ts';
import { leave, leaveNothing } from './classic/leave.ts';
import { listGroups } from './list.ts';
import { removalOfOrphans, SeenTopics } from './orphaned-offsets.ts';
import { invalidHeartbeat, isInItsEpoch, refusedHeartbeat } from './consumer/admission.ts';
import type * as consumer from './consumer/commands.ts';
import { describeConsumers } from './consumer/describe.ts';
import { consumerHeartbeat } from './consumer/heartbeat.ts';
import { joinConsumers } from './migration/classic-join.ts';
import { heartbeatOfClassic, syncConsumers } from './migration/classic-sync.ts';
import { leaveByHeartbeat, leaveByRequest } from './consumer/leave.ts';
import { awaitJoinNow } from './consumer/session.ts';
import { sessionTimeoutOf } from './consumer/state.ts';
import type * as share from './share/commands.ts';
import { describeShareGroup } from './share/describe.ts';
import {
  invalidShareHeartbeat,
  LEAVE,
  leaveShareGroup,
  notFound,
  refusedShareHeartbeat,
  type ShareDecision,
  shareHeartbeat,
} from './share/heartbeat.ts';
import { alterShareOffsets, deleteShareOffsets, withoutDeletedTopics } from './share/offsets.ts';
import { sync } from './classic/sync.ts';
import { failedJoin, failedSync } from './classic/turn.ts';
import type { GroupEvent, GroupStore } from './model/store.ts';
import { transactionalCommit } from './transactional-commit.ts';
import { asShardStore, groupIdOf } from './group-events.ts';
import type { TopicCatalog } from './model/topic-catalog.ts';
import { Echo } from '../echo/echo.ts';
import type { PartitionWriter } from '../echo/partition-writer.ts';
import type { Shard } from '../runtime/shard.ts';
import { GroupContent } from './echo/group-content.ts';
import { GroupSlot } from './group-slot.ts';
import { Runtime } from '../runtime/runtime.ts';
import type { Leadership } from '../runtime/shard-store.ts';

/** Between two attempts to remove the offsets of deleted topics. */
const REMOVAL_RETRY_MS = 1_000;

/** What a command of the coordinator's own was refused with. */
class CommandRefused extends Error {
  override readonly name = 'CommandRefused';
}

export interface GroupCoordinatorDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly store: GroupStore;
  /** The partitions of `__consumer_offsets`, for the echo. */
  readonly writer: PartitionWriter;
  readonly catalog: TopicCatalog;
  readonly config: GroupConfig;
  /** What is set for one group; called each time. */
  readonly overridesOf?: (groupId: string) => GroupOverrides | undefined;
  /** How many shards all groups are divided into: GroupStore#shards, or offsets.topic.num.partitions at first. */
  readonly shards: number;
  /** Another process has acquired a shard that this one owned, or wanted to own. */
  readonly onDeposed?: (shard: number) => void;
}

export class GroupCoordinator {
  readonly #clock: Clock;
  readonly #config: GroupConfig;
  readonly #configOf: (groupId: string) => GroupConfig;
  readonly #rebalances: Counter;
  readonly #random: Random;
  readonly #catalog: TopicCatalog;
  readonly #echo: Echo<Shard<GroupSlot, GroupEvent>, GroupEvent>;
  readonly #runtime: Runtime<GroupSlot, GroupEvent>;
  readonly #logger: Logger;
  readonly #seenTopics: SeenTopics;
  readonly #closing = new AbortController();
  /** Of commits in transactions: they wait for the coordinator of transactions, or in their group's queue. */
  readonly #verifications = new Set<{ readonly shard: number; readonly producerId: bigint; isOver: boolean }>();
  #nextExpiry: Cancel | undefined;

  constructor({
    clock,
    random,
    logger,
    meter,
    store,
    writer,
    catalog,
    config,
    overridesOf,
    shards,
    onDeposed,
  }: GroupCoordinatorDeps) {
    const rebalances = meter.counter('milepost_group_rebalances_total', 'Rebalances begun, by group and reason.', [
      'consumergroup',
      'reason',
    ]);
    this.#rebalances = rebalances;
    this.#clock = clock;
    this.#config = config;
    this.#configOf = (groupId) => {
      const overrides = overridesOf?.(groupId);
      return overrides ? { ...config, ...overrides } : config;
    };
    this.#random = random;
    this.#catalog = catalog;
    this.#logger = logger;
    this.#seenTopics = new SeenTopics(catalog);
    const context = { config, configOf: this.#configOf, random, logger, rebalances, catalog };
    const echo = new Echo<Shard<GroupSlot, GroupEvent>, GroupEvent>({
      clock,
      logger,
      writer,
      topic: OFFSETS_TOPIC,
      item: 'a group',
      contentOf: (shard) => new GroupContent(shard),
    });
    this.#echo = echo;
    this.#runtime = new Runtime({
      clock,
      logger,
      store: asShardStore(store),
      shards,
      ...(onDeposed && { onDeposed }),
      kind: {
        contents: 'groups and offsets',
        keyOf: groupIdOf,
        createSlot: (groupId, host) => new GroupSlot(groupId, context, host),
        loaded: (shard) => {
          for (const slot of shard.slots()) {
            slot.resume();
            // The last owner may have ended between the deletion of a topic and the removal of its offsets.
            this.#removeOrphans(slot);
          }
          echo.acquired(shard);
        },
        persisted: (shard, events) => echo.stored(shard, events),
        resigned: (shard) => echo.resigned(shard),
      },
    });
  }

  /**
   * Acquires the shards, under the leadership of their partitions where there is one, and loads what they hold. Until then requests to their groups are answered with
   * COORDINATOR_LOAD_IN_PROGRESS; groups of other shards are served.
   */
  async start(shards: readonly number[], leadership?: Leadership): Promise<void> {
    if (!this.#nextExpiry) this.#scheduleExpiry();
    await this.#runtime.acquire(shards, leadership);
  }

  /** Another broker leads the shard's partition now. Pending requests complete with NOT_COORDINATOR. */
  resign(shard: number): void {
    this.#runtime.release(shard);
  }

  /** Whether requests to the shard's groups are served here, or will be once they are loaded. */
  owns(shard: number): boolean {
    return this.#runtime.shards()[shard]?.state.is !== 'unowned';
  }

  /**
   * Call after each change of the catalog. Offsets of deleted topics are removed, however long the store is away. (Kafka:
   * GroupCoordinatorService#onPartitionsDeleted, from the difference of two images.)
   */
  topicsChanged(): void {
    const deleted = this.#seenTopics.deleted();
    if (deleted.size > 0) for (const slot of this.#slots()) this.#removeOrphans(slot, deleted);
    this.#echo.catchUp();
  }

  /** The partition of `__consumer_offsets` whose leader coordinates the group. */
  shardOf(groupId: string): number {
    return this.#runtime.shardOf(groupId).index;
  }

  /** The response may take as long as the rebalance. */
  async join(command: commands.JoinCommand): Promise<commands.JoinResult> {
    const failed = (error: ErrorCode) => failedJoin(error, command.memberId);
    const { minSessionTimeoutMs, maxSessionTimeoutMs } = this.#config;
    if (command.groupId === '') return failed(ErrorCode.INVALID_GROUP_ID);
    if (command.sessionTimeoutMs < minSessionTimeoutMs || command.sessionTimeoutMs > maxSessionTimeoutMs)
      return failed(ErrorCode.INVALID_SESSION_TIMEOUT);
    return this.#ask(command.groupId, failed, (slot, respond) => {
      const refused = (error: ErrorCode) => respond(failed(error));
      const noGroup = () => refused(ErrorCode.UNKNOWN_MEMBER_ID);
      slot.submitClassic({
        classic: (turn) => join(turn, command, respond),
        consumer: (turn) => joinConsumers(turn, command, respond),
        ...(command.memberId !== '' && { noGroup }),
        refused,
      });
    });
  }

  async sync(command: commands.SyncCommand): Promise<commands.SyncResult> {
    if (command.groupId === '') return failedSync(ErrorCode.INVALID_GROUP_ID);
    return this.#ask(command.groupId, failedSync, (slot, respond) => {
      const refused = (error: ErrorCode) => respond(failedSync(error));
      slot.submitClassic({
        classic: (turn) => sync(turn, command, respond),
        consumer: (turn) => syncConsumers(turn, command, respond),
        noGroup: () => refused(ErrorCode.UNKNOWN_MEMBER_ID),
        refused,
      });
    });
  }

  async heartbeat(command: commands.HeartbeatCommand): Promise<ErrorCode> {
    if (command.groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const error = this.#errorOf(command.groupId);
    // As in Kafka: the member has no reason to do anything until the group is loaded.
    if (error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return ErrorCode.NONE;
    if (error !== ErrorCode.NONE) return error;
    const slot = this.#find(command.groupId);
    const respond = (): ErrorCode => this.#heartbeat(slot, command);
    if (!slot?.isBeingRemoved(command.memberId)) return respond();
    return slot.submit(
      () => ({ events: [], response: respond() }),
      (refusal) => refusal,
    );
  }

  #heartbeat(slot: GroupSlot | undefined, command: commands.HeartbeatCommand): ErrorCode {
    const error = heartbeatIn(slot, command);
    if (error === ErrorCode.NONE || error === ErrorCode.REBALANCE_IN_PROGRESS)
      this.#keepSession(slot, command.memberId);
    if (slot && error === ErrorCode.REBALANCE_IN_PROGRESS)
      awaitJoinNow(slot.timers, asConsumer(slot.group)?.members.get(command.memberId));
    return error;
  }

  async leave(command: commands.LeaveCommand): Promise<commands.LeaveResult> {
    const failed = (error: ErrorCode): commands.LeaveResult => ({ error, members: [] });
    if (command.groupId === '') return failed(ErrorCode.INVALID_GROUP_ID);
    return this.#ask(command.groupId, failed, (slot, respond) => {
      slot.submitClassic({
        classic: (turn) => leave(turn, command, respond),
        consumer: (turn) => leaveByRequest(turn, command, respond),
        noGroup: () => respond(leaveNothing(command)),
        refused: (error) => respond(failed(error)),
      });
    });
  }

  /** A member of a consumer group joins, stays alive, changes or leaves. */
  async consumerHeartbeat(asked: consumer.ConsumerHeartbeatCommand): Promise<consumer.ConsumerHeartbeatResult> {
    const invalid = invalidHeartbeat(asked, this.#config);
    if (invalid) return refusedHeartbeat(invalid);
    const memberId = asked.memberId === '' ? this.#random.uuid() : asked.memberId;
    const command = { ...asked, memberId };
    const failed = (error: ErrorCode, message: string | null = null) => refusedHeartbeat({ error, message });
    return this.#ask(command.groupId, failed, (slot, respond) => {
      // A member waits for the response before it sends the next heartbeat. So its session starts again at both ends,
      // however long the response takes.
      const keepSession = () => {
        if (isInItsEpoch(asConsumer(slot.group), command)) this.#keepSession(slot, memberId);
      };
      keepSession();
      const notFound = (message: string) => respond(failed(ErrorCode.GROUP_ID_NOT_FOUND, message));
      const noGroup = () => notFound(`Consumer group ${command.groupId} not found.`);
      const verb = command.memberEpoch < 0 ? leaveByHeartbeat : consumerHeartbeat;
      slot.submitConsumer({
        consumer: (turn) => verb(turn, command, respond),
        classicGroup: (reason = `Group ${command.groupId} is not a consumer group.`) => notFound(reason),
        ...(command.memberEpoch === 0 ? { upgrades: true } : { noGroup }),
        refused: (error) => {
          keepSession();
          respond(failed(error));
        },
      });
    });
  }

  async describeConsumers(groupIds: readonly string[]): Promise<consumer.DescribedConsumerGroup[]> {
    return groupIds.map((groupId) => {
      const failed = (error: ErrorCode, message: string | null) => emptyDescription(groupId, error, message);
      const error = groupId === '' ? ErrorCode.INVALID_GROUP_ID : this.#errorOf(groupId);
      if (error !== ErrorCode.NONE) return failed(error, null);
      const group = this.#find(groupId)?.group;
      if (group?.kind === 'consumer') return describeConsumers(group, this.#catalog, this.#config);
      const what = group ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`;
      return failed(ErrorCode.GROUP_ID_NOT_FOUND, what);
    });
  }

  /** A member of a share group joins, stays alive, changes or leaves. */
  async shareHeartbeat(command: share.ShareHeartbeatCommand): Promise<share.ShareHeartbeatResult> {
    const failed = (error: ErrorCode, errorMessage: string | null = null) =>
      refusedShareHeartbeat({ error, errorMessage });
    const { groupId, memberId } = command;
    const invalid = invalidShareHeartbeat(command);
    if (invalid !== undefined) return failed(ErrorCode.INVALID_REQUEST, invalid);
    const isLeaving = command.memberEpoch === LEAVE;
    const around = { catalog: this.#catalog, config: this.#configOf(groupId) };
    const decide = ({ group }: GroupSlot, now: Timestamp) =>
      isLeaving ? leaveShareGroup(group, command) : shareHeartbeat(group, command, { ...around, now });
    const result = await this.#inShareGroup(groupId, decide, failed);
    const slot = this.#find(groupId);
    if (result.error !== ErrorCode.NONE) return result;
    if (isLeaving) slot?.timers.endSession(memberId);
    else this.#keepSession(slot, memberId);
    return result;
  }

  async describeShareGroups(groupIds: readonly string[]): Promise<share.DescribedShareGroup[]> {
    return groupIds.map((groupId) => {
      const error = groupId === '' ? ErrorCode.INVALID_GROUP_ID : this.#errorOf(groupId);
      if (error !== ErrorCode.NONE) return emptyDescription(groupId, error, null);
      const { group } = this.#find(groupId) ?? {};
      if (group?.kind === 'share') return describeShareGroup(group, this.#catalog);
      const message = group ? notFound(groupId, group).errorMessage : `Group ${groupId} not found.`;
      return emptyDescription(groupId, ErrorCode.GROUP_ID_NOT_FOUND, message);
    });
  }

  /** The partitions that a share group has begun to read, by topic; none for another group. An error instead: try again. */
  sharePartitions(groupId: string): Readonly<Record<Uuid, readonly number[]>> | ErrorCode {
    const error = this.#errorOf(groupId);
    return error === ErrorCode.NONE ? (asShare(this.#find(groupId)?.group)?.data.initialized ?? {}) : error;
  }

  alterShareOffsets(command: share.AlterShareOffsetsCommand): Promise<share.AlterShareOffsetsResult> {
    const decide = ({ group }: GroupSlot) => alterShareOffsets(group, command, this.#catalog);
    return this.#inShareGroup(command.groupId, decide, notAltered);
  }

  deleteShareOffsets(command: share.DeleteShareOffsetsCommand): Promise<share.DeleteShareOffsetsResult> {
    const decide = ({ group }: GroupSlot) => deleteShareOffsets(group, command, this.#catalog);
    return this.#inShareGroup(command.groupId, decide, notAltered);
  }

  async commitOffsets(command: commands.CommitCommand): Promise<commands.CommitResult> {
    const failed = (error: ErrorCode) => committed(command, () => error);
    const error = this.#errorOf(command.groupId);
    if (error !== ErrorCode.NONE) return failed(error);
    const slot = this.#slot(command.groupId);
    // Some clients do not heartbeat while they wait for this response. So the session starts again at both ends, however
    // long the response takes.
    const keepSession = () => {
      if (heartbeatIn(slot, command) === ErrorCode.NONE) this.#keepSession(slot, command.memberId);
    };
    keepSession();
    return slot.submit(
      (now) => {
        const { keepsSessionOf, ...decision } = commit(slot.group, command, this.#config, now, slot);
        if (keepsSessionOf !== undefined) this.#keepSession(slot, keepsSessionOf);
        return decision;
      },
      (refusal) => {
        keepSession();
        return failed(refusal);
      },
    );
  }

  /**
   * Offsets that count once a transaction is committed. `verify` resolves with the reason why the group's shard is not part
   * of that transaction, or NONE.
   */
  async commitInTransaction(
    command: commands.TransactionalCommitCommand,
    verify: (shard: number) => Promise<ErrorCode>,
  ): Promise<commands.CommitResult> {
    const failed = (error: ErrorCode) => committed(command, () => error);
    const { groupId, producerId } = command;
    if (groupId === '') return failed(ErrorCode.INVALID_GROUP_ID);
    const shard = this.shardOf(groupId);
    const error = this.#errorOf(groupId);
    if (error !== ErrorCode.NONE) return failed(error);
    // Verified before the transaction ended and stored behind it, they would stay pending for good.
    const verification = { shard, producerId, isOver: false };
    this.#verifications.add(verification);
    try {
      const verdict = await verify(shard);
      if (verdict !== ErrorCode.NONE) return failed(verdict);
      const errorNow = this.#errorOf(groupId);
      if (errorNow !== ErrorCode.NONE) return failed(errorNow);
      const slot = this.#slot(groupId);
      return await slot.submit((now) => {
        if (verification.isOver) return { events: [], response: failed(ErrorCode.INVALID_TXN_STATE) };
        return transactionalCommit(slot.group, command, this.#config, now, slot);
      }, failed);
    } finally {
      this.#verifications.delete(verification);
    }
  }

  /** Offsets that the transaction commits in this shard become real, or are dropped. Resolves when that is stored. */
  async transactionEnded(shard: number, end: commands.TransactionEnd): Promise<ErrorCode> {
    const owned = this.#runtime.shards()[shard];
    if (this.#isClosed || !owned) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (owned.error !== ErrorCode.NONE) return owned.error;
    const { producerId } = end;
    for (const verification of this.#verifications)
      if (verification.shard === shard && verification.producerId === producerId) verification.isOver = true;
    // A write in progress, or one that may have landed, may be of that transaction too.
    const concerned = [...owned.slots()].filter(
      (slot) => !slot.isIdle || slot.mayLeavePending || slot.pending.of(producerId).length > 0,
    );
    const errors = await Promise.all(concerned.map((slot) => slot.endTransaction(end)));
    return errors.find((error) => error !== ErrorCode.NONE) ?? ErrorCode.NONE;
  }

  async fetchOffsets(command: commands.FetchOffsetsCommand): Promise<commands.FetchOffsetsResult> {
    const error = this.#errorOf(command.groupId);
    if (error !== ErrorCode.NONE) return { error, topics: [] };
    const found = this.#find(command.groupId);
    if (!command.requireStable) return fetchOffsets(found ?? {}, command, this.#catalog);
    const slot = this.#slot(command.groupId);
    return slot.submit(
      () => ({ events: [], response: fetchOffsets(slot, command, this.#catalog) }),
      // Consumers before 3.9 retry only on this error.
      () => ({ error: ErrorCode.NOT_COORDINATOR, topics: [] }),
    );
  }

  async describe(groupIds: readonly string[]): Promise<commands.DescribedGroup[]> {
    return groupIds.map((groupId) => {
      const error = this.#errorOf(groupId);
      if (error !== ErrorCode.NONE) return undescribed(groupId, error);
      return describe(groupId, this.#find(groupId)?.group);
    });
  }

  async list(command: commands.ListGroupsCommand): Promise<commands.ListGroupsResult> {
    if (this.#isClosed) return { error: ErrorCode.COORDINATOR_NOT_AVAILABLE, groups: [] };
    const loading = this.#runtime.shards().some(({ error }) => error === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    if (loading) return { error: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, groups: [] };
    const groups = this.#slots().flatMap(({ group }) => group ?? []);
    return { error: ErrorCode.NONE, groups: listGroups(groups, command) };
  }

  async deleteGroups(groupIds: readonly string[]): Promise<commands.DeletedGroup[]> {
    return Promise.all(
      groupIds.map(async (groupId) => {
        const error = this.#errorOf(groupId);
        if (error !== ErrorCode.NONE) return { groupId, error };
        const slot = this.#slot(groupId);
        const decide = () => deleteGroup(groupId, slot.group);
        return { groupId, error: await slot.submit(decide, (refusal) => refusal) };
      }),
    );
  }

  async deleteOffsets(command: commands.DeleteOffsetsCommand): Promise<commands.DeleteOffsetsResult> {
    const failed = (error: ErrorCode): commands.DeleteOffsetsResult => ({ error, topics: [] });
    const error = command.groupId === '' ? ErrorCode.INVALID_GROUP_ID : this.#errorOf(command.groupId);
    if (error !== ErrorCode.NONE) return failed(error);
    const slot = this.#slot(command.groupId);
    return slot.submit(() => deleteOffsets(slot.group, slot.offsets, slot.pending, command), failed);
  }

  /** Completes all pending requests. Resolves when no write is in progress. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the group coordinator is closed'));
    this.#nextExpiry?.();
    this.#echo.close();
    await this.#runtime.close();
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  #ask<Result>(
    groupId: string,
    failed: (error: ErrorCode) => Result,
    put: (slot: GroupSlot, respond: (result: Result) => void) => void,
  ): Promise<Result> {
    const error = this.#errorOf(groupId);
    if (error !== ErrorCode.NONE) return Promise.resolve(failed(error));
    return new Promise((resolve) => put(this.#slot(groupId), resolve));
  }

  #inShareGroup<Result>(
    groupId: string,
    decide: (slot: GroupSlot, now: Timestamp) => ShareDecision<Result>,
    failed: (error: ErrorCode) => Result,
  ): Promise<Result> {
    const error = groupId === '' ? ErrorCode.INVALID_GROUP_ID : this.#errorOf(groupId);
    if (error !== ErrorCode.NONE) return Promise.resolve(failed(error));
    const slot = this.#slot(groupId);
    return slot.submit((now) => {
      const { events, response, rebalance } = decide(slot, now);
      if (rebalance) this.#rebalances.add(1, { consumergroup: groupId, reason: rebalance });
      return { events, response };
    }, failed);
  }

  #errorOf(groupId: string): ErrorCode {
    return this.#isClosed ? ErrorCode.COORDINATOR_NOT_AVAILABLE : this.#runtime.shardOf(groupId).error;
  }

  #find(groupId: string): GroupSlot | undefined {
    return this.#runtime.shardOf(groupId).find(groupId);
  }

  #slot(groupId: string): GroupSlot {
    return this.#runtime.shardOf(groupId).slot(groupId);
  }

  #slots(): GroupSlot[] {
    return this.#runtime.shards().flatMap((shard) => [...shard.slots()]);
  }

  #scheduleExpiry(): void {
    if (this.#isClosed) return;
    this.#nextExpiry?.();
    this.#nextExpiry = this.#clock.after(this.#config.offsetsRetentionCheckIntervalMs, () => {
      for (const slot of this.#slots()) this.#expire(slot);
      this.#scheduleExpiry();
    });
  }

  /** The next check finds again what the store refuses now. */
  #expire(slot: GroupSlot): void {
    void slot.submit(
      (now) => ({
        events: slot.group ? expireOffsets(slot.group, slot.offsets, slot.pending, this.#config, now) : [],
        response: undefined,
      }),
      () => undefined,
    );
  }

  /** In the group's queue, for a commit in progress may bring another one. */
  #removeOrphans(slot: GroupSlot, deleted?: ReadonlySet<string>): void {
    const { groupId } = slot;
    if (slot.isIdle && this.#orphansOf(slot, deleted).length === 0) return;
    const attempt = async (): Promise<void> => {
      const current = this.#find(groupId);
      const events = () => (current ? this.#orphansOf(current, deleted) : []);
      const error = await current?.submit(
        () => ({ events: events(), response: ErrorCode.NONE }),
        (refusal) => refusal,
      );
      if (error) throw new CommandRefused(`error code ${error}`);
    };
    retry(attempt, {
      clock: this.#clock,
      pauseMs: REMOVAL_RETRY_MS,
      signal: this.#closing.signal,
      isRetriable: (failure) => failure instanceof CommandRefused,
    }).catch((failure: unknown) => {
      if (!this.#isClosed)
        this.#logger.error({ group: groupId, err: failure }, 'offsets of deleted topics were not removed');
    });
  }

  #orphansOf({ group, offsets, pending }: GroupSlot, deleted?: ReadonlySet<string>): readonly GroupEvent[] {
    const share = asShare(group);
    if (share) return withoutDeletedTopics(share, this.#catalog);
    return removalOfOrphans(offsets, pending, this.#catalog, deleted);
  }

  #keepSession(slot: GroupSlot | undefined, memberId: string): void {
    const classic = asClassic(slot?.group)?.members.get(memberId);
    const modern = asConsumer(slot?.group)?.members.get(memberId);
    const isOfShareGroup = asShare(slot?.group)?.members.has(memberId);
    if (slot && isOfShareGroup) slot.timers.keepSession(memberId, this.#configOf(slot.groupId).shareSessionTimeoutMs);
    if (classic) slot?.timers.keepSession(memberId, classic.sessionTimeoutMs);
    else if (slot && modern) slot.timers.keepSession(memberId, sessionTimeoutOf(modern, this.#configOf(slot.groupId)));
  }
}

const notAltered = (error: ErrorCode) => ({ error, message: null, topics: [] });

function heartbeatIn(slot: GroupSlot | undefined, command: commands.HeartbeatCommand): ErrorCode {
  const consumers = asConsumer(slot?.group);
  return consumers ? heartbeatOfClassic(consumers, command) : heartbeat(asClassic(slot?.group), command);
}
