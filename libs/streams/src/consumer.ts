// A member of a consumer group that hands over records in batches and commits what was handled: at least once, in order
// per partition. It outlives its broker: a lost session is begun again with a pause, from the committed offsets.
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import { Consumer as Client, type Message, type MessagesStream } from '@platformatic/kafka';
import type { ConsumedRecord } from './record.ts';

export interface ConsumerOptions {
  readonly bootstrapServers: readonly string[];
  readonly groupId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Waits so long for more before it hands over a batch. Default 0: what one fetch brought. */
  readonly gatherMs?: number;
  /**
   * Called with one batch at a time. When it resolves the batch counts as handled and its offsets get committed;
   * when it rejects the session begins again at the committed offsets, and the records come again.
   */
  handle(records: readonly ConsumedRecord[]): Promise<void>;
}

/** Records waiting for `handle` before the stream is paused. */
const PENDING_LIMIT = 20_000;
const COMMIT_INTERVAL_MS = 500;
const RESTART_DELAY_MS = 1_000;
const SESSION_TIMEOUT_MS = 15_000;
const HEARTBEAT_INTERVAL_MS = 3_000;
const FETCH_WAIT_MS = 500;

type BytesMessage = Message<Buffer, Buffer, string, Buffer>;
type BytesStream = MessagesStream<Buffer, Buffer, string, Buffer>;

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #problem: string | undefined = 'joining its group';

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Why nothing is being consumed just now; undefined: it is. */
  notReady(): string | undefined {
    return this.#problem;
  }

  /** Finishes the batch in hand, commits it and leaves the group. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { groupId, logger } = this.#options;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#session();
      } catch (error) {
        this.#problem = error instanceof Error ? error.message : String(error);
        logger.warn({ groupId, error: this.#problem }, 'consumer session lost; beginning again');
        await pause(RESTART_DELAY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }

  async #session(): Promise<void> {
    const client = this.#connect();
    const offsets = new Offsets(client);
    try {
      const stream = await client.consume({
        topics: [...this.#options.topics],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
        maxWaitTime: FETCH_WAIT_MS,
        sessionTimeout: SESSION_TIMEOUT_MS,
        heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      });
      this.#problem = undefined;
      await this.#consume(stream, offsets);
    } finally {
      await offsets
        .commit()
        .catch((error: unknown) => this.#note(error, 'the last commit failed; its records may come again'));
      await client.close(true).catch((error: unknown) => this.#note(error, 'could not leave the group'));
    }
  }

  #connect(): Client<Buffer, Buffer, string, Buffer> {
    const { bootstrapServers, clientId, groupId } = this.#options;
    const client = new Client<Buffer, Buffer, string, Buffer>({
      groupId,
      clientId,
      bootstrapBrokers: [...bootstrapServers],
      deserializers: { headerKey: (key?: Buffer) => key?.toString() ?? '' },
      retries: 3,
    });
    client.on('error', (error: Error) => this.#note(error, 'consumer error'));
    return client;
  }

  /** Until closing or the stream's end: gathers what has come, hands it over, commits from time to time. */
  async #consume(stream: BytesStream, offsets: Offsets): Promise<void> {
    const inbox = new Inbox(stream, this.#closing.signal, this.#options.gatherMs ?? 0);
    let committedAt = performance.now();
    for (;;) {
      const batch = await inbox.next(offsets.dirty ? COMMIT_INTERVAL_MS : undefined);
      if (batch === 'ended') return;
      if (batch.length > 0) {
        await this.#options.handle(batch);
        offsets.handled(batch);
      }
      if (offsets.dirty && performance.now() - committedAt >= COMMIT_INTERVAL_MS) {
        await offsets.commit().catch((error: unknown) => this.#note(error, 'commit refused; the group is rebalancing'));
        committedAt = performance.now();
      }
    }
  }

  #note(error: unknown, message: string): void {
    const { groupId, logger } = this.#options;
    logger.debug({ groupId, error: error instanceof Error ? error.message : String(error) }, message);
  }
}

/** What the stream has delivered and nobody has taken yet. Pauses the stream at a limit. */
class Inbox {
  readonly #stream: BytesStream;
  readonly #closing: AbortSignal;
  #pending: ConsumedRecord[] = [];
  /** What is pending has waited for its company long enough. */
  #gathered = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(stream: BytesStream, closing: AbortSignal, gatherMs: number) {
    this.#stream = stream;
    this.#closing = closing;
    const gathered = (): void => {
      this.#gathered = this.#pending.length > 0;
      this.#wake();
    };
    stream.on('data', (message: BytesMessage) => {
      this.#pending.push(recordOf(message));
      if (this.#pending.length === 1) later(gatherMs, gathered);
      if (this.#pending.length < PENDING_LIMIT) return;
      stream.pause();
      gathered();
    });
    stream.on('error', (error: Error) => this.#fail(error));
    stream.on('close', () => this.#fail(new Error('the stream ended')));
    closing.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** All that has come, waiting for something; empty after `patienceMs`. @throws the stream's failure. */
  async next(patienceMs?: number): Promise<readonly ConsumedRecord[] | 'ended'> {
    if (!this.#closing.aborted && !this.#gathered && !this.#failure) await this.#something(patienceMs);
    if (this.#closing.aborted) return 'ended';
    if (this.#failure) throw this.#failure;
    if (!this.#gathered) return [];
    const batch = this.#pending;
    this.#pending = [];
    this.#gathered = false;
    if (batch.length >= PENDING_LIMIT) this.#stream.resume();
    return batch;
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#wake();
  }

  #something(patienceMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = patienceMs === undefined ? undefined : setTimeout(resolve, patienceMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Without a pause: after the rest of the fetch in hand has been delivered. */
const later = (ms: number, run: () => void): unknown => (ms > 0 ? setTimeout(run, ms) : setImmediate(run));

/** The next offset to read of each partition that was handled since the last commit. */
class Offsets {
  readonly #client: Client<Buffer, Buffer, string, Buffer>;
  #next = new Map<string, { topic: string; partition: number; offset: bigint; leaderEpoch: number }>();

  constructor(client: Client<Buffer, Buffer, string, Buffer>) {
    this.#client = client;
  }

  get dirty(): boolean {
    return this.#next.size > 0;
  }

  handled(batch: readonly ConsumedRecord[]): void {
    for (const { topic, partition, offset } of batch)
      this.#next.set(`${topic}-${partition}`, { topic, partition, offset: BigInt(offset) + 1n, leaderEpoch: -1 });
  }

  async commit(): Promise<void> {
    if (!this.dirty) return;
    const offsets = [...this.#next.values()];
    this.#next = new Map();
    await this.#client.commit({ offsets });
  }
}

function recordOf(message: BytesMessage): ConsumedRecord {
  return {
    topic: message.topic,
    partition: message.partition,
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: message.key ?? null,
    value: message.value ?? null,
    headers: message.headers,
  };
}
