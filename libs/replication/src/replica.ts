// A follower as the leader of its partition knows it: what it has for good, told by the offset of its last Fetch, and when
// it was last caught up (Kafka's Replica).
//
// A follower is caught up at the moment of a fetch that reads from the leader's end, and was at the moment of the fetch
// before where this one reads from the end that the leader had then: one that is always a little behind stays in sync.
import { type BrokerId, NO_OFFSET, Offset } from '@milepost/core';

export interface FollowerFetch {
  /** All below is in the follower's log, and on its platter with flush `always`. */
  readonly fetchOffset: Offset;
  readonly logStartOffset: Offset;
  /** Of the follower's registration; -1 where its request does not tell. */
  readonly brokerEpoch: number;
}

const NEVER_MS = Number.NEGATIVE_INFINITY;

export class Replica {
  readonly brokerId: BrokerId;
  #logEndOffset = NO_OFFSET;
  #logStartOffset = NO_OFFSET;
  #brokerEpoch: number | undefined;
  #lastFetchMs = NEVER_MS;
  #lastCaughtUpMs: number;
  /** Of the leader, at the last fetch. */
  #lastLeaderEnd = NO_OFFSET;

  /** `isInSync`: it counts as caught up until it has had its time to show that it is. */
  constructor(brokerId: BrokerId, isInSync: boolean, nowMs: number) {
    this.brokerId = brokerId;
    this.#lastCaughtUpMs = isInSync ? nowMs : NEVER_MS;
  }

  /** Exclusive: what it has for good. NO_OFFSET before its first fetch. */
  get logEndOffset(): Offset {
    return this.#logEndOffset;
  }
  get logStartOffset(): Offset {
    return this.#logStartOffset;
  }
  /** Of the life that fetched last; undefined before its first fetch, -1 where its request did not tell. */
  get brokerEpoch(): number | undefined {
    return this.#brokerEpoch;
  }
  get lastCaughtUpMs(): number {
    return this.#lastCaughtUpMs;
  }

  /** False: the request is of an earlier life of that broker than an earlier request (KIP-903), and says nothing. */
  fetched({ fetchOffset, logStartOffset, brokerEpoch }: FollowerFetch, leaderEnd: Offset, nowMs: number): boolean {
    if (brokerEpoch >= 0 && brokerEpoch < (this.#brokerEpoch ?? -1)) return false;
    if (fetchOffset >= leaderEnd) this.#caughtUpAt(nowMs);
    else if (fetchOffset >= this.#lastLeaderEnd) this.#caughtUpAt(this.#lastFetchMs);
    this.#lastLeaderEnd = Offset(Math.max(this.#lastLeaderEnd, leaderEnd));
    this.#lastFetchMs = nowMs;
    this.#logEndOffset = fetchOffset;
    this.#logStartOffset = logStartOffset;
    this.#brokerEpoch = brokerEpoch;
    return true;
  }

  isCaughtUp(leaderEnd: Offset, nowMs: number, lagTimeMs: number): boolean {
    return this.#logEndOffset === leaderEnd || nowMs - this.#lastCaughtUpMs <= lagTimeMs;
  }

  #caughtUpAt(atMs: number): void {
    this.#lastCaughtUpMs = Math.max(this.#lastCaughtUpMs, atMs);
  }
}
