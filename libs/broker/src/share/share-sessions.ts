// Share sessions (KIP-932): the partitions that a member of a share group fetches from this broker. A request names only
// what changes: partitions that are new, and those that are forgotten. Each session is of one member and one connection.
//
// Promises: a request of another epoch than the next one changes nothing. A session ends with its connection. Never has
// more than `group.share.max.share.sessions`.
import { type Cancel, ErrorCode, type Uuid } from '@milepost/core';

const NEW_SESSION = 0;
const END_OF_SESSION = -1;
/** Epochs wrap to 1: 0 opens a session. */
const LAST_EPOCH = 2 ** 31 - 1;

export interface SessionPartition {
  readonly topicId: Uuid;
  readonly partition: number;
}

export interface ShareSession {
  readonly groupId: string;
  readonly memberId: string;
  /** In the order in which the next fetch reads them. */
  readonly partitions: readonly SessionPartition[];
}

interface Cached {
  readonly groupId: string;
  readonly memberId: string;
  /** Of the next request. */
  epoch: number;
  readonly partitions: Map<string, SessionPartition>;
  readonly cancelGone: Cancel;
}

export interface SessionRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly epoch: number;
}

export interface SessionFetch extends SessionRequest {
  readonly partitions: readonly SessionPartition[];
  readonly forgotten: readonly SessionPartition[];
  readonly hasAcknowledgements: boolean;
  /** Registers what to do when the client's connection closes. */
  readonly onGone: (run: () => void) => Cancel;
}

export class ShareSessions {
  readonly #most: number;
  readonly #onEnd: (session: ShareSession) => void;
  readonly #sessions = new Map<string, Cached>();

  /** `onEnd`: what the member has acquired is to be released. */
  constructor(most: number, onEnd: (session: ShareSession) => void) {
    this.#most = most;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The session as it is after the request. At its end, without partitions: nothing is fetched any more. */
  fetch(request: SessionFetch): ShareSession | ErrorCode {
    const { groupId, memberId, epoch, partitions, forgotten } = request;
    const known = this.#find(request);
    if (epoch === END_OF_SESSION)
      return known ? { groupId, memberId, partitions: [] } : ErrorCode.SHARE_SESSION_NOT_FOUND;
    if (epoch === NEW_SESSION) {
      if (request.hasAcknowledgements) return ErrorCode.INVALID_REQUEST;
      return this.#open(request);
    }
    if (!known) return ErrorCode.SHARE_SESSION_NOT_FOUND;
    if (known.epoch !== epoch) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    for (const one of partitions) known.partitions.set(nameOf(one), one);
    for (const one of forgotten) known.partitions.delete(nameOf(one));
    known.epoch = epochAfter(epoch);
    // Another partition is first each time: one that is always full must not starve the others.
    const all = [...known.partitions.values()];
    const first = all.length === 0 ? 0 : epoch % all.length;
    return { groupId, memberId, partitions: [...all.slice(first), ...all.slice(0, first)] };
  }

  /** NONE, or why a request that only acknowledges is refused. */
  acknowledge(request: SessionRequest): ErrorCode {
    if (request.epoch === NEW_SESSION) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    const known = this.#find(request);
    if (!known) return ErrorCode.SHARE_SESSION_NOT_FOUND;
    if (request.epoch === END_OF_SESSION) return ErrorCode.NONE;
    if (known.epoch !== request.epoch) return ErrorCode.INVALID_SHARE_SESSION_EPOCH;
    known.epoch = epochAfter(request.epoch);
    return ErrorCode.NONE;
  }

  /** Its last request is done. */
  endAfter(request: SessionRequest): void {
    const known = request.epoch === END_OF_SESSION ? this.#find(request) : undefined;
    if (known) this.#end(known);
  }

  /** Whether a session fetches the partition. */
  uses(groupId: string, partition: SessionPartition): boolean {
    const name = nameOf(partition);
    return [...this.#sessions.values()].some((one) => one.groupId === groupId && one.partitions.has(name));
  }

  close(): void {
    for (const session of this.#sessions.values()) session.cancelGone();
    this.#sessions.clear();
  }

  #open({ groupId, memberId, partitions, onGone }: SessionFetch): ShareSession | ErrorCode {
    const before = this.#find({ groupId, memberId });
    if (before) this.#forget(before);
    if (this.#sessions.size >= this.#most) return ErrorCode.SHARE_SESSION_LIMIT_REACHED;
    const session: Cached = {
      groupId,
      memberId,
      epoch: epochAfter(NEW_SESSION),
      partitions: new Map(partitions.map((one) => [nameOf(one), one])),
      cancelGone: onGone(() => this.#end(session)),
    };
    this.#sessions.set(keyOf(session), session);
    return { groupId, memberId, partitions };
  }

  #end(session: Cached): void {
    if (this.#find(session) !== session) return;
    this.#forget(session);
    const { groupId, memberId, partitions } = session;
    this.#onEnd({ groupId, memberId, partitions: [...partitions.values()] });
  }

  #forget(session: Cached): void {
    session.cancelGone();
    this.#sessions.delete(keyOf(session));
  }

  #find(member: Pick<SessionRequest, 'groupId' | 'memberId'>): Cached | undefined {
    return this.#sessions.get(keyOf(member));
  }
}

const epochAfter = (epoch: number): number => (epoch === LAST_EPOCH ? 1 : epoch + 1);

const keyOf = ({ groupId, memberId }: Pick<SessionRequest, 'groupId' | 'memberId'>): string =>
  JSON.stringify([groupId, memberId]);

const nameOf = ({ topicId, partition }: SessionPartition): string => `${topicId} ${partition}`;
