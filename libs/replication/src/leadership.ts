// What a broker knows while it leads a partition: its followers, the in-sync replicas, and by them how far records are
// committed.
//
// Promises: while the response to a change of the ISR is outstanding, the members of the old and of the new one count
// (KIP-497): a change that was made although its response was lost lets the high watermark pass nothing that a member lacks.
// Never: proposes a second change before the first is settled, or a member whose broker epoch is not that of its last fetch
// (KIP-903).
import { type BrokerId, type Clock, NO_OFFSET, type Offset, type Uuid } from '@milepost/core';
import type { PartitionState } from '@milepost/metadata';
import type { IsrProposal } from './isr-change.ts';
import { type FollowerFetch, Replica } from './replica.ts';

export interface ReplicationConfig {
  /** replica.lag.time.max.ms */
  readonly lagTimeMs: number;
  /** The broker epoch of a broker that may be in sync; undefined: it is not registered, fenced or leaving. */
  readonly activeEpochOf: (id: BrokerId) => number | undefined;
}

export interface LeadershipDeps {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly brokerId: BrokerId;
  readonly topic: string;
  readonly topicId: Uuid;
  readonly config: ReplicationConfig;
}

/** After a refusal there must be news, or this must have passed, before the next proposal. */
const RETRY_MS = 1_000;

export class Leadership {
  readonly #deps: LeadershipDeps;
  #state: PartitionState;
  #epochStart: Offset;
  readonly #followers = new Map<BrokerId, Replica>();
  #maximalIsr: ReadonlySet<BrokerId> = new Set();
  #proposal: IsrProposal | undefined;
  #proposesFromMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LeadershipDeps, state: PartitionState, epochStart: Offset) {
    this.#deps = deps;
    this.#state = state;
    this.#epochStart = epochStart;
    this.#follow(state);
  }

  get state(): PartitionState {
    return this.#state;
  }
  /** Where the leader's epoch began. */
  get epochStart(): Offset {
    return this.#epochStart;
  }
  get followers(): Iterable<Replica> {
    return this.#followers.values();
  }
  /** The change of the ISR that has no response yet. */
  get proposal(): IsrProposal | undefined {
    return this.#proposal;
  }

  follower(id: BrokerId): Replica | undefined {
    return this.#followers.get(id);
  }

  /** The metadata has another ISR or assignment; or another epoch, which began at `epochStart`. */
  update(state: PartitionState, epochStart: Offset | undefined): void {
    if (epochStart !== undefined) {
      this.#epochStart = epochStart;
      this.#followers.clear();
    }
    this.#state = state;
    this.#proposal = undefined;
    this.#proposesFromMs = Number.NEGATIVE_INFINITY;
    this.#follow(state);
  }

  /** Fewer in sync than `minInsyncReplicas`, of which there are never more than replicas. */
  isUnderMinIsr(minInsyncReplicas: number): boolean {
    const { isr, replicas } = this.#state;
    return isr.length < Math.min(minInsyncReplicas, replicas.length);
  }

  /**
   * Exclusive: what every in-sync replica has, of the leader's `ownEnd`. A follower that is about to join the ISR is waited
   * for, else the high watermark might run away from it for ever. NO_OFFSET: nobody knows yet, or too few are in sync.
   */
  committedEnd(ownEnd: Offset, minInsyncReplicas: number): Offset {
    if (this.isUnderMinIsr(minInsyncReplicas)) return NO_OFFSET;
    let end = ownEnd;
    for (const follower of this.#followers.values())
      if (follower.logEndOffset < end && (this.#maximalIsr.has(follower.brokerId) || this.#isJoining(follower, ownEnd)))
        end = follower.logEndOffset;
    return end;
  }

  /** False: the request is of an earlier life of the follower, and says nothing. */
  fetched(follower: Replica, fetch: FollowerFetch, ownEnd: Offset): boolean {
    return follower.fetched(fetch, ownEnd, this.#nowMs);
  }

  /** The ISR with this follower, when it has all that is committed and all from before the leader's epoch. */
  expansion({ brokerId, logEndOffset, brokerEpoch }: Replica, highWatermark: Offset): IsrProposal | undefined {
    if (this.#state.isr.includes(brokerId) || !this.#mayPropose) return undefined;
    if (logEndOffset < highWatermark || logEndOffset < this.#epochStart || !this.#isActive(brokerId, brokerEpoch))
      return undefined;
    return this.#propose([...this.#state.isr, brokerId]);
  }

  /** The ISR without those that were not caught up for replica.lag.time.max.ms, and without those that are gone. */
  shrinkage(ownEnd: Offset): IsrProposal | undefined {
    if (!this.#mayPropose) return undefined;
    const { isr } = this.#state;
    const rest = isr.filter((id) => id === this.#deps.brokerId || this.#mayStay(id, ownEnd));
    return rest.length === isr.length || rest.length === 0 ? undefined : this.#propose(rest);
  }

  /** The change was not made, and never will be. */
  refused(proposal: IsrProposal): void {
    if (proposal !== this.#proposal) return;
    this.#proposal = undefined;
    this.#proposesFromMs = this.#nowMs + RETRY_MS;
    this.#maximalIsr = new Set(this.#state.isr);
  }

  get #nowMs(): number {
    return this.#deps.clock.monotonic();
  }

  get #mayPropose(): boolean {
    return this.#proposal === undefined && this.#nowMs >= this.#proposesFromMs;
  }

  #propose(isr: readonly BrokerId[]): IsrProposal {
    const { topic, topicId } = this.#deps;
    const { index, leaderEpoch, partitionEpoch } = this.#state;
    const members = isr.map((id) => ({ id, brokerEpoch: this.#followers.get(id)?.brokerEpoch ?? -1 }));
    this.#proposal = { topic, topicId, index, leaderEpoch, partitionEpoch, members };
    this.#maximalIsr = new Set([...this.#state.isr, ...isr]);
    return this.#proposal;
  }

  #follow({ replicas, isr }: PartitionState): void {
    for (const id of this.#followers.keys()) if (!replicas.includes(id)) this.#followers.delete(id);
    for (const id of replicas)
      if (id !== this.#deps.brokerId && !this.#followers.has(id))
        this.#followers.set(id, new Replica(id, isr.includes(id), this.#nowMs));
    this.#maximalIsr = new Set(isr);
  }

  #mayStay(id: BrokerId, ownEnd: Offset): boolean {
    const { lagTimeMs, activeEpochOf } = this.#deps.config;
    return (
      activeEpochOf(id) !== undefined && this.#followers.get(id)?.isCaughtUp(ownEnd, this.#nowMs, lagTimeMs) === true
    );
  }

  #isJoining(follower: Replica, ownEnd: Offset): boolean {
    return (
      follower.isCaughtUp(ownEnd, this.#nowMs, this.#deps.config.lagTimeMs) &&
      this.#isActive(follower.brokerId, follower.brokerEpoch)
    );
  }

  /** Requests without a broker epoch (before Fetch v15) are trusted, as in Kafka. */
  #isActive(id: BrokerId, brokerEpoch: number | undefined): boolean {
    const active = this.#deps.config.activeEpochOf(id);
    return active !== undefined && brokerEpoch !== undefined && (brokerEpoch === -1 || brokerEpoch === active);
  }
}
