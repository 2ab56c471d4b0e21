// The client's half of a fetch session with one broker (KIP-227), as in Java's client: a request carries only changes
// since the last one, and a partition that a response omits is where it was last reported. The broker must comply:
// omitting a partition counts as reporting it unchanged.
import { ErrorCode } from '@milepost/core';
import type { Fetch, RequestInput, ResponseOutput } from '@milepost/wire';
import type { SimPartition } from '../model/observation.ts';
import { answerTo, fetchBody, type FetchLimits, tellFetched, type Wanted } from './fetched.ts';
import { mayBeStale, type World } from './world.ts';

const NO_SESSION = 0;
/** Requests a new session; the one that the request names is closed. */
const INITIAL_EPOCH = 0;

interface Told {
  readonly start: number;
  readonly end: number;
}

export type Progress = readonly {
  readonly partition: SimPartition;
  /** Where to continue; undefined: the partition has to restart, or could not be read. */
  readonly next: number | undefined;
  /** Another broker may lead it. */
  readonly hasMoved: boolean;
}[];

export class FetchSession {
  readonly #world: World;
  readonly #name: string;
  readonly #version: number;
  #id = NO_SESSION;
  #epoch = INITIAL_EPOCH;
  /** The partitions and offsets that the broker's session has. */
  readonly #asked = new Map<SimPartition, Wanted>();
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
  /** The broker's session has partitions. */
  get isOpen(): boolean {
    return this.#asked.size > 0;
  }

  /** The next request, for exactly these partitions. */
  request(wanted: readonly Wanted[], limits: FetchLimits): RequestInput<typeof Fetch> {
    const forgotten = [...this.#asked.keys()].filter((known) => !wanted.some(({ partition }) => partition === known));
    for (const partition of forgotten) {
      this.#asked.delete(partition);
      this.#told.delete(partition);
    }
    const changed = wanted.filter(({ partition, offset, epoch }) => {
      const asked = this.#asked.get(partition);
      return asked?.offset !== offset || asked.epoch !== epoch;
    });
    const isIncremental = this.isIncremental;
    for (const one of wanted) this.#asked.set(one.partition, one);
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
    const progress = Array.from(this.#asked.values(), (wanted) => ({
      partition: wanted.partition,
      ...this.#takeOne(wanted, askedAt, response),
    }));
    if (!isIncremental) this.#id = response.sessionId;
    if (this.#id === NO_SESSION || response.sessionId === NO_SESSION) this.end();
    else this.#epoch++;
    return progress;
  }

  #takeOne(
    wanted: Wanted,
    askedAt: number,
    response: ResponseOutput<typeof Fetch>,
  ): { readonly next: number | undefined; readonly hasMoved: boolean } {
    const { partition, offset } = wanted;
    const answer = answerTo(partition, response, this.#version);
    if (!answer) {
      this.#leftOut(wanted, askedAt);
      return { next: offset, hasMoved: false };
    }
    const fetched = tellFetched(this.#world, wanted, askedAt, answer);
    if (typeof fetched === 'object') {
      this.#told.set(partition, { start: answer.logStartOffset, end: answer.highWatermark });
      return { next: fetched.next, hasMoved: false };
    }
    this.#told.delete(partition);
    return { next: fetched === 'moved' ? offset : undefined, hasMoved: fetched === 'moved' };
  }

  #leftOut({ partition, epoch }: Wanted, askedAt: number): void {
    const told = this.#told.get(partition);
    const bounds = { kind: 'bounds', partition, askedAt, mayBeStale: mayBeStale(this.#world, partition) } as const;
    if (this.isIncremental && told) this.#world.see({ ...bounds, ...told, ...(epoch >= 0 && { epoch }) });
    else
      this.#world.see({
        kind: 'broken',
        what: `${this.#name}: ${partition.name} is left out of an answer, and nothing was told of it before`,
      });
  }
}
