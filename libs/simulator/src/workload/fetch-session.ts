// The client's half of a fetch session (KIP-227), as in Java's client: a request carries only changes since the last
// one, and a partition that a response omits is where it was last reported. The node must comply: omitting a partition
// counts as reporting it unchanged.
import { ErrorCode } from '@milepost/core';
import type { Fetch, RequestInput, ResponseOutput } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import { answerTo, fetchBody, type FetchLimits, tellFetched, type Wanted } from './fetched.ts';
import type { World } from './world.ts';

const NO_SESSION = 0;
/** Requests a new session; the one that the request names is closed. */
const INITIAL_EPOCH = 0;

interface Told {
  readonly start: number;
  readonly end: number;
}

/** Where to continue; undefined: the partition has to restart, or could not be read. */
export type Progress = readonly { readonly partition: SimPartition; readonly next: number | undefined }[];

export class FetchSession {
  readonly #world: World;
  readonly #name: string;
  readonly #version: number;
  #id = NO_SESSION;
  #epoch = INITIAL_EPOCH;
  /** The partitions and offsets that the node's session has. */
  readonly #asked = new Map<SimPartition, number>();
  /** The node's last report of those, unless it was an error. */
  readonly #told = new Map<SimPartition, Told>();

  constructor(world: World, name: string, version: number) {
    this.#world = world;
    this.#name = name;
    this.#version = version;
  }

  get isIncremental(): boolean {
    return this.#epoch !== INITIAL_EPOCH;
  }

  /** The next request, for exactly these partitions. */
  request(wanted: readonly Wanted[], limits: FetchLimits): RequestInput<typeof Fetch> {
    const forgotten = [...this.#asked.keys()].filter((known) => !wanted.some(({ partition }) => partition === known));
    for (const partition of forgotten) {
      this.#asked.delete(partition);
      this.#told.delete(partition);
    }
    const changed = wanted.filter(({ partition, offset }) => this.#asked.get(partition) !== offset);
    const isIncremental = this.isIncremental;
    for (const { partition, offset } of wanted) this.#asked.set(partition, offset);
    return {
      ...fetchBody(isIncremental ? changed : wanted, limits),
      sessionId: this.#id,
      sessionEpoch: this.#epoch,
      forgottenTopicsData: isIncremental
        ? forgotten.map(({ topic, index }) => ({ topic: topic.name, topicId: topic.id, partitions: [index] }))
        : [],
    };
  }

  /** The session is not used any more; the next request closes it, and requests another. */
  end(): void {
    this.#epoch = INITIAL_EPOCH;
    this.#asked.clear();
    this.#told.clear();
  }

  /** As if an earlier request were repeated: the node must not take it for the next one. */
  goBack(): void {
    if (this.#epoch > 1) this.#epoch--;
  }

  /** Undefined: the response is unusable, and the next request is a full one. */
  take(response: ResponseOutput<typeof Fetch> | undefined, askedAt: number): Progress | undefined {
    if (response?.errorCode !== ErrorCode.NONE) {
      if (response?.errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = NO_SESSION;
      this.end();
      return undefined;
    }
    const isIncremental = this.isIncremental;
    const progress = [...this.#asked].map(([partition, offset]) => ({
      partition,
      next: this.#takeOne(partition, offset, askedAt, response),
    }));
    if (!isIncremental) this.#id = response.sessionId;
    if (this.#id === NO_SESSION || response.sessionId === NO_SESSION) this.end();
    else this.#epoch++;
    return progress;
  }

  #takeOne(
    partition: SimPartition,
    offset: number,
    askedAt: number,
    response: ResponseOutput<typeof Fetch>,
  ): number | undefined {
    const answer = answerTo(partition, response, this.#version);
    if (!answer) return this.#leftOut(partition, offset, askedAt);
    const fetched = tellFetched(this.#world, partition, offset, askedAt, answer);
    if (typeof fetched !== 'object') {
      this.#told.delete(partition);
      return undefined;
    }
    this.#told.set(partition, { start: answer.logStartOffset, end: answer.highWatermark });
    return fetched.next;
  }

  #leftOut(partition: SimPartition, offset: number, askedAt: number): number | undefined {
    const told = this.#told.get(partition);
    if (this.isIncremental && told) this.#world.see({ kind: 'bounds', partition, askedAt, ...told });
    else
      this.#world.see({
        kind: 'broken',
        what: `${this.#name}: ${partition.name} is left out of an answer, and nothing was told of it before`,
      });
    return offset;
  }
}
