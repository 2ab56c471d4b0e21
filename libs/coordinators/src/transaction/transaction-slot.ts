// One transactional id: its transaction, its queue of commands, and the markers under way. The transaction changes only by
// `apply`, after its event is stored; with one exception. Whenever it is about to complete, after a command or after a load,
// its markers are written, and then it is complete. That is stored with the next change, or alone a moment later: a
// coordinator that finds only the decision repeats the markers, and nothing has begun since.
import { type Cancel, ErrorCode, type Logger, type Timestamp, type TopicPartition } from '@milepost/core';
import { CommandQueue } from '../runtime/command-queue.ts';
import type { Slot, SlotHost } from '../runtime/shard.ts';
import type { Decided } from './decided.ts';
import { completed } from './end-transaction.ts';
import { MarkerRound } from './marker-round.ts';
import type { TransactionConfig } from './model/config.ts';
import type { MarkerWriter } from './model/markers.ts';
import type { TransactionEvent } from './model/store.ts';
import { isCompleting, type Transaction } from './model/transaction.ts';

/** How long a completion waits for a change that it can be stored with: a client in a loop begins its next transaction. */
const STORE_COMPLETION_MS = 20;
/** Between two attempts to store that a transaction is complete. */
const COMPLETION_RETRY_MS = 500;

export interface TransactionContext {
  readonly config: TransactionConfig;
  readonly logger: Logger;
  readonly writer: MarkerWriter;
}

export class TransactionSlot implements Slot<TransactionEvent> {
  readonly transactionalId: string;
  readonly #context: TransactionContext;
  readonly #host: SlotHost<TransactionEvent>;
  readonly #queue: CommandQueue<TransactionEvent>;
  readonly #waiters = new Set<() => void>();
  #transaction: Transaction | undefined;
  #round: MarkerRound | undefined;
  /** The transaction is complete, and the store knows of the decision only. */
  #unstored: TransactionEvent | undefined;
  #nextStore: Cancel | undefined;
  /** By the steady clock: when the open transaction has lasted too long. */
  #expiresAt: number | undefined;
  /** The latest connection over which the open transaction was added to; see `isLate`. */
  #connection: number | undefined;
  #closed = false;

  constructor(transactionalId: string, context: TransactionContext, host: SlotHost<TransactionEvent>) {
    this.transactionalId = transactionalId;
    this.#context = context;
    this.#host = host;
    this.#queue = new CommandQueue({
      clock: host.clock,
      timeoutMs: context.config.storeTimeoutMs,
      persist: (events) => host.persist(events),
      // Every event holds the whole transaction: the next one replaces what a failed write may have left. Until then, no
      // response depends on the difference: an open transaction may always be found aborted after a restart.
      restate: () => [],
      failed: (problem) => context.logger.error({ transactionalId, err: problem }, 'a command on a transaction failed'),
      idle: () => {
        if (!this.#transaction) host.vacated();
      },
    });
  }

  /** As of the last command that was stored. */
  get transaction(): Transaction | undefined {
    return this.#transaction;
  }

  /** Of the current transaction; while it completes, those that lack the marker. */
  get partitions(): readonly TopicPartition[] {
    return this.#round?.pending ?? this.#transaction?.partitions ?? [];
  }

  get isTimedOut(): boolean {
    return this.#expiresAt !== undefined && this.#host.clock.monotonic() > this.#expiresAt;
  }

  /**
   * A client uses one connection to its coordinator at a time. What arrives over an older one than the open transaction has
   * been added to over was sent before that, for an earlier transaction.
   */
  isLate(connection: number | undefined): boolean {
    return connection !== undefined && this.#connection !== undefined && connection < this.#connection;
  }

  /** The open transaction is being added to over this connection. */
  addedOver(connection: number | undefined): void {
    if (connection !== undefined) this.#connection = Math.max(connection, this.#connection ?? connection);
  }

  /** `refused`: nothing was stored, or it is unknown. `applied`: called before the next command is decided. */
  submit<Response>(
    decide: (now: Timestamp) => Decided<Response>,
    refused: (error: ErrorCode) => Response,
    applied?: (response: Response) => void,
  ): Promise<Response> {
    const events = ({ next }: Decided<Response>): TransactionEvent[] =>
      next ? [{ type: 'transaction-stored', transaction: next }] : [];
    return this.#run(
      (now) => {
        const decided = decide(now);
        return { events: events(decided), response: decided.response };
      },
      refused,
      applied,
    );
  }

  /** Deletes the transactional id if `isExpired` still holds when its turn comes. */
  forget(isExpired: (transaction: Transaction, now: Timestamp) => boolean): Promise<ErrorCode> {
    const { transactionalId } = this;
    return this.#run(
      (now) => {
        const isGone = this.#transaction === undefined || !isExpired(this.#transaction, now);
        const events: TransactionEvent[] = isGone ? [] : [{ type: 'transaction-forgotten', transactionalId }];
        return { events, response: ErrorCode.NONE };
      },
      (error) => error,
    );
  }

  /** The transaction was loaded. One that was to be ended is ended now. */
  resume(): void {
    const transaction = this.#transaction;
    if (!transaction) return;
    if (transaction.state === 'Ongoing') {
      const leftMs = transaction.startedAt + transaction.timeoutMs - this.#host.clock.now();
      this.#expiresAt = this.#host.clock.monotonic() + Math.min(Math.max(leftMs, 0), transaction.timeoutMs);
    }
    this.#completeIfPrepared();
  }

  apply(event: TransactionEvent): void {
    const before = this.#transaction;
    const transaction = event.type === 'transaction-stored' ? event.transaction : undefined;
    this.#transaction = transaction;
    if (transaction?.state !== 'Ongoing') {
      this.#expiresAt = undefined;
      this.#connection = undefined;
    } else if (before?.state !== 'Ongoing') {
      this.#expiresAt = this.#host.clock.monotonic() + transaction.timeoutMs;
    }
    if (transaction && isCompleting(transaction)) return;
    this.#round = undefined;
    this.#wake();
  }

  /** Resolves when no transaction is completing here, at most after that time. */
  settled(limitMs: number): Promise<void> {
    if (this.#closed || !this.#transaction || !isCompleting(this.#transaction)) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel();
        this.#waiters.delete(wake);
        resolve();
      };
      const cancel = this.#host.clock.after(limitMs, wake);
      this.#waiters.add(wake);
    });
  }

  close(error: ErrorCode): void {
    this.#closed = true;
    this.#round?.close();
    this.#nextStore?.();
    this.#queue.close(error);
    this.#wake();
  }

  #run<Response>(
    decide: (now: Timestamp) => { readonly events: readonly TransactionEvent[]; readonly response: Response },
    refused: (error: ErrorCode) => Response,
    applied?: (response: Response) => void,
  ): Promise<Response> {
    return new Promise((resolve) => {
      this.#queue.add({
        decide: (now) => {
          const { events: decided, response } = decide(now);
          const events = this.#afterUnstored(decided);
          const apply = (): void => {
            if (events.length > 0) this.#unstored = undefined;
            for (const event of decided) this.apply(event);
            applied?.(response);
            this.#completeIfPrepared();
            resolve(response);
          };
          return { events, apply, isRead: events.length === 0 };
        },
        refused: (error) => resolve(refused(error)),
      });
    });
  }

  #afterUnstored(events: readonly TransactionEvent[]): readonly TransactionEvent[] {
    const isNeeded = this.#unstored && events.length > 0 && events[0] !== this.#unstored;
    return isNeeded ? [this.#unstored as TransactionEvent, ...events] : events;
  }

  #completeIfPrepared(): void {
    const transaction = this.#transaction;
    if (this.#round || !transaction || !isCompleting(transaction)) return;
    const { producerId, producerEpoch, state, partitions, clientVersion } = transaction;
    const marker = {
      producerId,
      producerEpoch,
      coordinatorEpoch: this.#host.leaderEpoch(),
      isCommit: state === 'PrepareCommit',
      transactionVersion: clientVersion,
    };
    const { logger, writer } = this.#context;
    const { transactionalId } = this;
    const deps = { clock: this.#host.clock, logger, writer, transactionalId };
    this.#round = new MarkerRound(deps, partitions, marker, () => this.#complete());
    this.#round.start();
  }

  /** All partitions have the marker. */
  #complete(): void {
    this.#queue.add({
      decide: (now) => {
        const transaction = this.#transaction;
        const apply = (): void => {
          if (!transaction || !isCompleting(transaction)) return;
          this.#unstored = { type: 'transaction-stored', transaction: completed(transaction, now) };
          this.apply(this.#unstored);
          this.#storeCompletion(STORE_COMPLETION_MS);
        };
        return { events: [], apply, isRead: true };
      },
      refused: () => this.#later(COMPLETION_RETRY_MS, () => this.#complete()),
    });
  }

  #storeCompletion(delayMs: number): void {
    this.#later(delayMs, async () => {
      const error = await this.#run<ErrorCode>(
        () => ({ events: this.#unstored ? [this.#unstored] : [], response: ErrorCode.NONE }),
        (refusal) => refusal,
      );
      if (error !== ErrorCode.NONE) this.#storeCompletion(COMPLETION_RETRY_MS);
    });
  }

  #later(delayMs: number, run: () => unknown): void {
    if (this.#closed) return;
    this.#nextStore?.();
    this.#nextStore = this.#host.clock.after(delayMs, run);
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }
}
