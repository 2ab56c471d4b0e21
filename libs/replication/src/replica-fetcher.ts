// Copies partitions that this broker follows from their leader, all of one leader over one connection (Kafka's
// ReplicaFetcherThread): fetches, appends what came, syncs, and only then fetches further.
//
// Promises: the offset of a Fetch is what this replica has for good, fsynced with flush `always`. A log that has parted from
// its leader's is cut by epochs before anything is appended. A partition that was removed is not touched any more once
// `remove` has resolved. A partition that fails or is refused does not hold up the others.
// Never: throws; a leader that cannot be reached is logged once, and tried again after replica.fetch.backoff.ms.
import {
  type BrokerId,
  type Cancel,
  type Clock,
  DiskFailed,
  ErrorCode,
  errorName,
  type Logger,
  NO_LEADER_EPOCH,
  Offset,
  partitionName,
} from '@milepost/core';
import { type EpochEnd, LogFailed } from '@milepost/log';
import { type PeerConnection, PeerUnreachable } from '@milepost/peer';
import { RecordBatch } from '@milepost/records';
import { Fetch, type RequestInput, type ResponseOutput } from '@milepost/wire';
import { leaderOffsets } from './leader-offsets.ts';
import type { Partition } from './partition.ts';
import { truncationOffset } from './truncation.ts';

export interface FetcherConfig {
  /** replica.fetch.wait.max.ms, replica.fetch.min.bytes, replica.fetch.response.max.bytes, replica.fetch.max.bytes */
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly responseMaxBytes: number;
  readonly partitionMaxBytes: number;
  /** replica.fetch.backoff.ms */
  readonly backoffMs: number;
  /** replica.socket.timeout.ms */
  readonly socketTimeoutMs: number;
}

export interface FetcherDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly brokerId: BrokerId;
  /** Of this broker's registration (KIP-903). */
  readonly brokerEpoch: () => number;
  /** A connection to a broker, made on first use. @throws PeerUnreachable while it is not registered. */
  readonly connectTo: (leader: BrokerId, options: { clientId: string; timeoutMs: number }) => PeerConnection;
  readonly config: FetcherConfig;
}

type FetchedPartition = ResponseOutput<typeof Fetch>['responses'][number]['partitions'][number];

/** A partition as a request asked for it. */
interface Fetching {
  readonly partition: Partition;
  readonly leaderEpoch: number;
  readonly fetchOffset: Offset;
}

/** `refused`: to be left alone for a while. */
type Outcome = 'done' | 'refused';

interface Patience {
  /** How often in a row. */
  readonly refusals: number;
  /** On the steady clock. */
  readonly fromMs: number;
}

const READY: Patience = { refusals: 0, fromMs: Number.NEGATIVE_INFINITY };

/** A new leader often learns of its election a moment after its followers: doubled each time, up to replica.fetch.backoff.ms. */
const FIRST_BACKOFF_MS = 20;

export class ReplicaFetcher {
  readonly leader: BrokerId;
  readonly #deps: FetcherDeps;
  /** In the order in which they are requested. */
  readonly #partitions = new Map<Partition, Patience>();
  readonly #running: Promise<void>;
  #applying: Promise<void> = Promise.resolve();
  #peer: PeerConnection | undefined;
  #isReachable = true;
  #isClosed = false;
  #wake = (): void => {};

  constructor(leader: BrokerId, deps: FetcherDeps) {
    this.leader = leader;
    this.#deps = deps;
    this.#running = this.#run();
  }

  get isIdle(): boolean {
    return this.#partitions.size === 0;
  }

  add(partition: Partition): void {
    this.#partitions.set(partition, READY);
    this.#wake();
  }

  /** Resolves when nothing more is appended to the partition, or cut from it. */
  async remove(partition: Partition): Promise<void> {
    if (this.#partitions.delete(partition)) await this.#applying;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#partitions.clear();
    this.#disconnect();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { backoffMs } = this.#deps.config;
    while (!this.#isClosed) {
      const fetching = await this.#due();
      if (fetching.length === 0) {
        await this.#pause(this.#waitMs);
        continue;
      }
      const response = await this.#fetch(fetching);
      if (response === undefined) {
        await this.#pause(backoffMs);
        continue;
      }
      this.#applying = this.#apply(fetching, response);
      await this.#applying;
    }
  }

  /** What a former leader has appended last may not be on the platter yet: nothing is asked for behind it before. */
  async #due(): Promise<Fetching[]> {
    const nowMs = this.#deps.clock.monotonic();
    const due: Fetching[] = [];
    for (const [partition, { fromMs }] of this.#partitions) {
      if (fromMs > nowMs || partition.isFailed) continue;
      if (partition.ownEnd < partition.log.logEndOffset) await partition.syncAsFollower().catch(() => {});
      if (!partition.isFailed)
        due.push({ partition, leaderEpoch: partition.leaderEpoch, fetchOffset: partition.ownEnd });
    }
    return due;
  }

  /** Undefined: the leader is not reached. */
  async #fetch(fetching: readonly Fetching[]): Promise<ResponseOutput<typeof Fetch> | undefined> {
    try {
      const response = await this.#connected().request(Fetch, Fetch.newest, this.#requestFor(fetching));
      if (response.errorCode !== ErrorCode.NONE) throw new PeerUnreachable(`Fetch: ${errorName(response.errorCode)}`);
      if (!this.#isReachable) this.#deps.logger.info({ leader: this.leader }, `broker ${this.leader} is reached again`);
      this.#isReachable = true;
      return response;
    } catch (failure) {
      if (!(failure instanceof PeerUnreachable)) throw failure;
      this.#disconnect();
      if (this.#isReachable && !this.#isClosed)
        this.#deps.logger.warn(
          { leader: this.leader, reason: failure.message },
          `nothing is copied from broker ${this.leader}: ${failure.message}`,
        );
      this.#isReachable = false;
      return undefined;
    }
  }

  #connected(): PeerConnection {
    if (this.#peer && !this.#peer.isClosed) return this.#peer;
    const { brokerId, connectTo, config } = this.#deps;
    const clientId = `broker-${brokerId}-fetcher-0`;
    this.#peer = connectTo(this.leader, { clientId, timeoutMs: config.socketTimeoutMs });
    return this.#peer;
  }

  #disconnect(): void {
    this.#peer?.close();
    this.#peer = undefined;
  }

  #requestFor(fetching: readonly Fetching[]): RequestInput<typeof Fetch> {
    const { brokerId, brokerEpoch, config } = this.#deps;
    const topics = Map.groupBy(fetching, ({ partition }) => partition.topicId);
    return {
      replicaState: { replicaId: brokerId, replicaEpoch: brokerEpoch() },
      maxWaitMs: config.maxWaitMs,
      minBytes: config.minBytes,
      maxBytes: config.responseMaxBytes,
      topics: Array.from(topics, ([topicId, asked]) => ({
        topicId,
        partitions: asked.map(({ partition, fetchOffset }) => ({
          partition: partition.index,
          currentLeaderEpoch: partition.leaderEpoch,
          fetchOffset,
          lastFetchedEpoch: partition.log.latestEpoch,
          logStartOffset: partition.log.logStartOffset,
          partitionMaxBytes: config.partitionMaxBytes,
          highWatermark: partition.highWatermark,
        })),
      })),
    };
  }

  /** One group commit for all that came: the syncs of the logs overlap. */
  async #apply(fetching: readonly Fetching[], { responses }: ResponseOutput<typeof Fetch>): Promise<void> {
    const asked = new Map(fetching.map((one) => [`${one.partition.topicId}-${one.partition.index}`, one]));
    await Promise.all(
      responses.flatMap(({ topicId, partitions }) =>
        partitions.map(async (answer) => {
          const one = asked.get(`${topicId}-${answer.partitionIndex}`);
          if (one && this.#isStillMeant(one)) await this.#applyTo(one, answer);
        }),
      ),
    );
  }

  #isStillMeant({ partition, leaderEpoch, fetchOffset }: Fetching): boolean {
    return (
      this.#partitions.has(partition) &&
      !partition.isLeader &&
      !partition.isFailed &&
      partition.leaderEpoch === leaderEpoch &&
      partition.log.logEndOffset === fetchOffset
    );
  }

  async #applyTo(fetching: Fetching, answer: FetchedPartition): Promise<void> {
    const { partition } = fetching;
    const name = partitionName(partition.topic, partition.index);
    try {
      const outcome = await this.#outcomeOf(partition, answer);
      if (!this.#partitions.has(partition)) return;
      if (outcome === 'done' && (answer.records?.length ?? 0) === 0) return;
      // Behind the others: a busy partition in front would starve them.
      this.#putBehind(partition, outcome === 'done' ? READY : this.#refusedAgain(partition));
    } catch (failure) {
      if (failure instanceof DiskFailed) return this.#refusedByDisk(partition, failure);
      this.#partitions.delete(partition);
      if (failure instanceof LogFailed) return; // the log has reported it
      this.#deps.logger.error(
        { partition: name, err: failure },
        `${name} is no longer copied from broker ${this.leader}: ${String(failure)}`,
      );
    }
  }

  /** A cut, or a move of the log's start, can be made again. */
  #refusedByDisk(partition: Partition, { path, code, message }: DiskFailed): void {
    const name = partitionName(partition.topic, partition.index);
    this.#deps.logger.error({ partition: name, path, code }, `${name}: ${message}`);
    this.#putBehind(partition, this.#refusedAgain(partition));
  }

  #putBehind(partition: Partition, patience: Patience): void {
    this.#partitions.delete(partition);
    this.#partitions.set(partition, patience);
  }

  #refusedAgain(partition: Partition): Patience {
    const { clock, config } = this.#deps;
    const refusals = (this.#partitions.get(partition)?.refusals ?? 0) + 1;
    const delayMs = Math.min(config.backoffMs, FIRST_BACKOFF_MS * 2 ** (refusals - 1));
    return { refusals, fromMs: clock.monotonic() + delayMs };
  }

  /** Until the first of those that are left alone is to be tried again. */
  get #waitMs(): number | undefined {
    const times = Array.from(this.#partitions, ([partition, { fromMs }]) => (partition.isFailed ? Infinity : fromMs));
    const first = Math.min(...times);
    return first === Infinity ? undefined : Math.max(1, first - this.#deps.clock.monotonic());
  }

  /** @throws LogFailed, DiskFailed */
  async #outcomeOf(partition: Partition, answer: FetchedPartition): Promise<Outcome> {
    const { errorCode, divergingEpoch } = answer;
    if (errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) return this.#startOver(partition);
    if (errorCode !== ErrorCode.NONE) return 'refused'; // the next image says more, or another try
    if (divergingEpoch.epoch !== NO_LEADER_EPOCH || divergingEpoch.endOffset >= 0)
      return this.#truncate(partition, divergingEpoch, answer.logStartOffset);
    if (answer.records && answer.records.length > 0) {
      const wasAppended = await this.#append(partition, answer.records);
      await partition.syncAsFollower();
      if (!wasAppended) return 'refused';
    }
    partition.committedByLeader(answer.highWatermark);
    const start = Offset(Math.min(answer.logStartOffset, partition.highWatermark));
    if (start > partition.log.logStartOffset) await partition.deleteRecordsBefore(start);
    return 'done';
  }

  async #append(partition: Partition, records: Buffer): Promise<boolean> {
    let outcome = partition.appendAsFollower(records);
    const { log } = partition;
    if (outcome.error === ErrorCode.OFFSET_OUT_OF_RANGE && log.logStartOffset === log.logEndOffset) {
      // The leader's log starts within a batch, which comes whole.
      await log.restartAt(RecordBatch.at(records, 0)?.baseOffset ?? log.logEndOffset);
      outcome = partition.appendAsFollower(records);
    }
    if (outcome.error === ErrorCode.NONE) return true;
    const name = partitionName(partition.topic, partition.index);
    this.#deps.logger.error(
      { partition: name, leader: this.leader, error: errorName(outcome.error) },
      `${name}: what broker ${this.leader} has sent is not appended: ${outcome.message}`,
    );
    return false;
  }

  /**
   * Where the leader has deleted the place at which the logs part, it names its log's start. What this log has below may
   * never have been committed, so nothing of it is kept.
   */
  async #truncate(partition: Partition, diverging: EpochEnd, leaderStart: Offset): Promise<Outcome> {
    const { log } = partition;
    const before = { end: log.logEndOffset, epoch: log.latestEpoch };
    const offset = truncationOffset(log, diverging);
    const name = partitionName(partition.topic, partition.index);
    const fields = { partition: name, leader: this.leader, leaderEpoch: partition.leaderEpoch, ...before, diverging };
    this.#deps.logger.info(
      fields,
      `${name}: cut from ${before.end} to ${offset}, where it parts from broker ${this.leader}`,
    );
    if (offset <= leaderStart && log.logStartOffset < log.logEndOffset) await log.restartAt(leaderStart);
    else await log.truncateTo(offset);
    return log.logEndOffset !== before.end || log.latestEpoch < before.epoch ? 'done' : 'refused';
  }

  /** The leader has nothing at the end of this log: it was cut further back, or its log starts further on. */
  async #startOver(partition: Partition): Promise<Outcome> {
    const { log } = partition;
    const { leaderEpoch } = partition;
    const offsets = this.#peer && (await leaderOffsets(this.#peer, partition, this.#deps.brokerId));
    const isMeant = this.#partitions.has(partition) && partition.leaderEpoch === leaderEpoch;
    if (!offsets || !isMeant) return 'refused';
    const name = partitionName(partition.topic, partition.index);
    const end = log.logEndOffset;
    const fields = { partition: name, leader: this.leader, leaderEpoch, logEndOffset: end, leaderOffsets: offsets };
    if (offsets.end < end) {
      this.#deps.logger.warn(
        fields,
        `${name}: cut from ${end} to ${offsets.end}, where the log of broker ${this.leader} ends`,
      );
      await log.truncateTo(offsets.end);
      return 'done';
    }
    if (offsets.start <= end) return 'refused';
    this.#deps.logger.warn(
      fields,
      `${name}: ends at ${end}, before the log of broker ${this.leader} starts: goes on from ${offsets.start}`,
    );
    await log.restartAt(offsets.start);
    return 'done';
  }

  /** Until a partition is added or removed, the fetcher closes, or the time is up. */
  #pause(ms: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let cancel: Cancel = () => {};
      const wake = (): void => {
        cancel();
        this.#wake = () => {};
        resolve();
      };
      this.#wake = wake;
      if (ms !== undefined) cancel = this.#deps.clock.after(ms, wake);
      if (this.#isClosed) wake();
    });
  }
}
