// A member of a consumer group that passes records on in batches, in order per partition, and commits their offsets: at
// least once or at most once (docs/DELIVERY.md). It outlives its broker: a lost session is restarted after a pause, from the
// committed offsets.
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@milepost/core';
import { FailedPartitions } from './failed-partitions.ts';
import { FetchingClient } from './fetching-client.ts';
import { HandledOffsets } from './handled-offsets.ts';
import { Inbox } from './inbox.ts';
import { connectionOptions, type KafkaAddress } from './kafka-address.ts';
import type { ConsumedRecord } from './record.ts';

export interface ConsumerOptions extends KafkaAddress {
  readonly groupId: string;
  readonly clientId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** The pause before the next fetch after one that returned records, so that later arrivals share it. Default 0. */
  readonly gatherMs?: number;
  /** Observes batches, for traces. */
  readonly tracer?: ConsumerTracer | undefined;
  /** Default 'at-least-once'. */
  readonly delivery?: Delivery;
  /**
   * Called with one batch at a time. When it resolves the batch counts as handled. When it rejects the session restarts at
   * the committed offsets: with at-least-once delivery the records are delivered again, with at-most-once they are lost.
   */
  handle(records: readonly ConsumedRecord[]): Promise<void>;
}

/** Whether the offsets of a batch are committed after it was handled, or before. */
export type Delivery = 'at-least-once' | 'at-most-once';

/** Each method runs its callback once, and rejects with the callback's error. */
export interface ConsumerTracer {
  process(records: readonly ConsumedRecord[], handle: () => Promise<void>): Promise<void>;
  commit(commit: () => Promise<void>): Promise<void>;
}

/** More records than this waiting for `handle` pause the fetches. */
const PENDING_LIMIT = 10_000;
/** The limit of one fetch: about 10,000 positions. */
const FETCH_BYTES = 2 * 1024 * 1024;
const COMMIT_INTERVAL_MS = 500;
const RESTART_DELAY_MS = 1_000;
const SESSION_TIMEOUT_MS = 15_000;
const HEARTBEAT_INTERVAL_MS = 3_000;
const FETCH_WAIT_MS = 500;

export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #closing = new AbortController();
  readonly #failed: FailedPartitions;
  readonly #running: Promise<void>;
  #problem: string | undefined = 'joining its group';

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#failed = new FailedPartitions(options.logger, options.groupId);
    this.#running = this.#run();
  }

  /** Why nothing is being consumed at the moment; undefined: records are consumed. */
  notReady(): string | undefined {
    return this.#problem;
  }

  /** Partitions that cannot be read at the moment (`topic-0`), each retried; the others are read on. */
  failedPartitions(): readonly string[] {
    return this.#failed.names();
  }

  /** Finishes the current batch, commits it and leaves the group. */
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
        logger.warn({ groupId, error: this.#problem }, 'consumer session lost; restarting it');
        await pause(RESTART_DELAY_MS, undefined, { signal: this.#closing.signal }).catch(() => {});
      }
    }
  }

  async #session(): Promise<void> {
    const inbox = new Inbox(PENDING_LIMIT);
    const close = (): void => inbox.close();
    this.#closing.signal.addEventListener('abort', close);
    const client = this.#connect(inbox);
    const offsets = new HandledOffsets(client);
    try {
      const stream = await client.consume({
        topics: [...this.#options.topics],
        mode: 'committed',
        fallbackMode: 'earliest',
        autocommit: false,
        maxBytes: FETCH_BYTES,
        maxWaitTime: FETCH_WAIT_MS,
        sessionTimeout: SESSION_TIMEOUT_MS,
        heartbeatInterval: HEARTBEAT_INTERVAL_MS,
      });
      stream.on('error', (error: Error) => inbox.fail(error));
      stream.on('close', () => inbox.fail(new Error('the stream ended')));
      stream.resume();
      this.#problem = undefined;
      await this.#consume(inbox, offsets);
    } finally {
      this.#closing.signal.removeEventListener('abort', close);
      inbox.close();
      await offsets
        .commit()
        .catch((error: unknown) => this.#note(error, 'the last commit failed; its records may come again'));
      await client.close(true).catch((error: unknown) => this.#note(error, 'could not leave the group'));
    }
  }

  #connect(inbox: Inbox): FetchingClient {
    const { clientId, gatherMs = 0, groupId } = this.#options;
    const { signal } = this.#closing;
    const client = new FetchingClient(
      { groupId, clientId, ...connectionOptions(this.#options), retries: 3 },
      {
        failed: this.#failed,
        signal,
        take: async (records) => {
          const gathered = gatherMs > 0 ? pause(gatherMs, undefined, { signal }).catch(() => {}) : undefined;
          await inbox.put(records);
          await gathered;
        },
      },
    );
    client.on('consumer:group:join', () => this.#failed.retain((name) => client.owns(name)));
    client.on('error', (error: Error) => this.#note(error, 'consumer error'));
    return client;
  }

  /** Until closing: passes records on and commits periodically. @throws the failure that ended the stream. */
  async #consume(inbox: Inbox, offsets: HandledOffsets): Promise<void> {
    const { delivery = 'at-least-once', tracer = untraced } = this.#options;
    let committedAt = performance.now();
    for (;;) {
      const batch = await inbox.take(offsets.isDirty ? COMMIT_INTERVAL_MS : undefined);
      if (batch === 'closed') return;
      if (batch.length > 0) {
        // A refused commit ends the session: what follows the committed offset is delivered to the partition's owner.
        if (delivery === 'at-most-once') await tracer.commit(() => offsets.commitAhead(batch));
        await tracer.process(batch, () => this.#options.handle(batch));
        if (delivery === 'at-least-once') offsets.handled(batch);
      }
      if (offsets.isDirty && performance.now() - committedAt >= COMMIT_INTERVAL_MS) {
        await tracer
          .commit(() => offsets.commit())
          .catch((error: unknown) => this.#note(error, 'commit refused; the group is rebalancing'));
        committedAt = performance.now();
      }
    }
  }

  #note(error: unknown, message: string): void {
    const { groupId, logger } = this.#options;
    logger.debug({ groupId, error: error instanceof Error ? error.message : String(error) }, message);
  }
}

const untraced: ConsumerTracer = { process: (_, handle) => handle(), commit: (commit) => commit() };
