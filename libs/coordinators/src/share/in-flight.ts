// The records of a share partition between its start offset and the end of what was ever acquired (KIP-932): their states as
// runs of offsets, in order and without gaps. Pure: time comes from the caller.
//
//   available ──acquire──▶ acquired ──accept──▶ acknowledged
//       ▲                      │ └──────reject──▶ archived
//       └── release, expiry ───┘        (also a release of the last delivery that is allowed)
//
// Promises: a change of an acquired record begins as a transition and counts once it is committed. Until then nobody else
// gets the record, and its lock does not expire; a transition that is rolled back leaves it as if it had not begun. What is
// stored has the transitions as done, and an acquisition as not yet begun: a delivery counts when its end is stored, as in
// Kafka. Done records in front are forgotten: the start offset moves.
import { ErrorCode, invariant } from '@milepost/core';

export type RecordState = 'available' | 'acquired' | 'acknowledged' | 'archived';

interface Run {
  readonly first: number;
  /** Inclusive. */
  readonly last: number;
  readonly state: RecordState;
  readonly deliveryCount: number;
  /** '' unless acquired. */
  readonly memberId: string;
  /** Of the monotonic clock. */
  readonly lockedUntil: number;
  readonly transition: Transition | undefined;
}

interface Transition {
  readonly to: RecordState;
  readonly ticket: number;
}

export interface AcquiredRecords {
  readonly first: number;
  readonly last: number;
  readonly deliveryCount: number;
}

/** A batch that was read from the log. */
export interface ReadBatch {
  readonly first: number;
  readonly last: number;
}

export interface Acquisition {
  readonly memberId: string;
  /** Where the read began; never empty. */
  readonly from: number;
  readonly batches: readonly ReadBatch[];
  readonly maxRecords: number;
  /** About how many records the acquired ranges should have. */
  readonly batchSize: number;
  /** Never more than `maxRecords`; else whole batches. */
  readonly isStrict: boolean;
  readonly maxInFlight: number;
  readonly maxDeliveries: number;
  readonly lockedUntil: number;
}

export type Acknowledgement = 'gap' | 'accept' | 'release' | 'reject' | 'renew';

export interface AcknowledgedRange {
  readonly first: number;
  readonly last: number;
  /** One for all offsets, or one for each. */
  readonly types: readonly Acknowledgement[];
}

/** [first, last, state, delivery count]; the states have the numbers that they have in Kafka. */
export type StoredRun = readonly [first: number, last: number, state: number, deliveryCount: number];

export interface InFlightContent {
  readonly startOffset: number;
  readonly runs: readonly StoredRun[];
}

const STATE_NUMBERS: Readonly<Record<RecordState, number>> = {
  available: 0,
  acquired: 1,
  acknowledged: 2,
  archived: 4,
};
const STATES = new Map(Object.entries(STATE_NUMBERS).map(([state, number]) => [number, state as RecordState]));

/** How many records of the content are done. */
export const doneIn = ({ runs }: InFlightContent): number =>
  runs
    .filter(([, , state]) => state === STATE_NUMBERS.acknowledged || state === STATE_NUMBERS.archived)
    .reduce((count, [first, last]) => count + last - first + 1, 0);

const OUTCOMES: Readonly<Record<Exclude<Acknowledgement, 'renew'>, RecordState>> = {
  gap: 'archived',
  accept: 'acknowledged',
  release: 'available',
  reject: 'archived',
};

/** From the half of the deliveries on, and at least from this one, records are delivered in ever smaller portions. */
const LEAST_CAUTIOUS_DELIVERY = 2;

export class InFlight {
  #startOffset: number;
  #runs: readonly Run[];
  #nextTicket = 1;

  constructor({ startOffset, runs }: InFlightContent) {
    this.#startOffset = startOffset;
    this.#runs = runs.map(([first, last, state, deliveryCount]) =>
      idle(first, last, STATES.get(state) ?? 'available', deliveryCount),
    );
    this.#forgetDone();
  }

  get startOffset(): number {
    return this.#startOffset;
  }

  /** Nothing from here on was ever acquired. */
  get endOffset(): number {
    return (this.#runs.at(-1)?.last ?? this.#startOffset - 1) + 1;
  }

  /** Where the next read begins: at the first available record. */
  get nextFetchOffset(): number {
    return this.#runs.find(isAvailable)?.first ?? this.endOffset;
  }

  /** Records that are not done. */
  get size(): number {
    return this.endOffset - this.#startOffset - this.doneCount;
  }

  /** Of records behind the start offset. */
  get doneCount(): number {
    return this.#runs.filter(isDone).reduce((count, { first, last }) => count + last - first + 1, 0);
  }

  mayAcquire(maxInFlight: number): boolean {
    return this.nextFetchOffset < this.endOffset || this.size < maxInFlight;
  }

  /** When the first lock expires. Undefined: none does. */
  get nextExpiry(): number | undefined {
    const locked = this.#runs.filter(isLocked).map(({ lockedUntil }) => lockedUntil);
    return locked.length === 0 ? undefined : Math.min(...locked);
  }

  /** Records below were deleted from the log. */
  advanceTo(logStartOffset: number): void {
    if (logStartOffset <= this.#startOffset) return;
    this.#runs = this.#runs.flatMap((run) => {
      if (run.last < logStartOffset) return [];
      return run.first < logStartOffset ? [{ ...run, first: logStartOffset }] : [run];
    });
    this.#startOffset = logStartOffset;
    this.#forgetDone();
  }

  acquire(acquisition: Acquisition): AcquiredRecords[] {
    const { batches, from, maxInFlight, maxRecords } = acquisition;
    const [firstBatch, lastBatch] = [batches[0], batches.at(-1)];
    if (!firstBatch || !lastBatch || maxRecords <= 0 || lastBatch.last < this.#startOffset) return [];
    // The log has nothing there: it was compacted.
    this.#become('archived', from, firstBatch.first - 1, isAvailable);
    let end = lastBatch.last;
    let most = Math.min(maxRecords, maxInFlight - this.size);
    if (most <= 0) {
      // Full: what was released may be acquired nevertheless.
      most = Math.min(maxRecords, this.endOffset - from);
      end = Math.min(end, this.endOffset - 1);
    }
    const begin = Math.max(this.#startOffset, firstBatch.first);
    const acquired = this.#acquireReleased(acquisition, begin, end, most);
    const left = most - acquired.count;
    if (left > 0 && !acquired.isCautious && end >= this.endOffset)
      acquired.ranges.push(...this.#acquireNew(acquisition, Math.max(this.endOffset, begin), end, left));
    this.#forgetDone();
    return acquired.ranges;
  }

  /** Takes records that no reader may see out of what was just acquired. */
  archive(first: number, last: number, memberId: string): void {
    this.#become('archived', first, last, (run) => isLocked(run) && run.memberId === memberId);
    this.#forgetDone();
  }

  /**
   * Returns a ticket: the transition counts after `commit`. 0: there is nothing to store. With an error, nothing
   * has changed.
   */
  acknowledge(
    memberId: string,
    ranges: readonly AcknowledgedRange[],
    { maxDeliveries, renewedUntil }: { readonly maxDeliveries: number; readonly renewedUntil: number | undefined },
  ): { readonly ticket: number } | { readonly error: ErrorCode; readonly message: string } {
    const before = this.#runs;
    const ticket = this.#nextTicket;
    let hasTransition = false;
    for (const { first, last, type } of ranges.flatMap(byType)) {
      if (last < this.#startOffset) continue;
      const problem = this.#acknowledgeProblem(memberId, Math.max(first, this.#startOffset), last, type, renewedUntil);
      if (problem) {
        this.#runs = before;
        return problem;
      }
      if (type === 'renew') {
        this.#change(first, last, isLocked, (run) => ({ ...run, lockedUntil: renewedUntil ?? run.lockedUntil }));
      } else {
        hasTransition = true;
        this.#change(first, last, isLocked, (run) => {
          return { ...run, transition: { to: outcomeOf(run, OUTCOMES[type], maxDeliveries), ticket } };
        });
      }
    }
    if (!hasTransition) return { ticket: 0 };
    this.#nextTicket += 1;
    return { ticket };
  }

  /** All that the member has acquired is released. Returns a ticket, or 0: there was nothing. */
  release(memberId: string, maxDeliveries: number): number {
    const ticket = this.#nextTicket;
    let hasTransition = false;
    const isOfMember = (run: Run): boolean => isLocked(run) && run.memberId === memberId;
    this.#change(this.#startOffset, this.endOffset - 1, isOfMember, (run) => {
      hasTransition = true;
      return { ...run, transition: { to: outcomeOf(run, 'available', maxDeliveries), ticket } };
    });
    if (!hasTransition) return 0;
    this.#nextTicket += 1;
    return ticket;
  }

  commit(ticket: number): void {
    this.#end(ticket, (run, { to }) => idle(run.first, run.last, to, run.deliveryCount));
  }

  /** The lock may have expired in the meantime. */
  rollBack(ticket: number, now: number, maxDeliveries: number): void {
    this.#end(ticket, (run) => {
      const acquired = { ...run, transition: undefined };
      return run.lockedUntil > now ? acquired : expired(acquired, maxDeliveries);
    });
  }

  /** Whether locks have expired. */
  expire(now: number, maxDeliveries: number): boolean {
    let hasExpired = false;
    const isDue = (run: Run): boolean => isLocked(run) && run.lockedUntil <= now;
    this.#change(this.#startOffset, this.endOffset - 1, isDue, (run) => {
      hasExpired = true;
      return expired(run, maxDeliveries);
    });
    this.#forgetDone();
    return hasExpired;
  }

  /** What a restart has to know: all transitions as done, all acquisitions as not begun. */
  get content(): InFlightContent {
    const runs = merged(this.#runs.map(atRest));
    const done = runs.findIndex((run) => !isDone(run));
    const left = done < 0 ? [] : runs.slice(done);
    const startOffset = done < 0 ? this.endOffset : (left[0]?.first ?? this.#startOffset);
    const known = left.findLastIndex((run) => isDone(run) || run.deliveryCount > 0);
    return {
      startOffset,
      runs: left
        .slice(0, known + 1)
        .map(({ first, last, state, deliveryCount }) => [first, last, STATE_NUMBERS[state], deliveryCount] as const),
    };
  }

  #acquireReleased(
    { memberId, lockedUntil, isStrict, maxDeliveries }: Acquisition,
    begin: number,
    end: number,
    most: number,
  ): { ranges: AcquiredRecords[]; count: number; isCautious: boolean } {
    const cautiousFrom = Math.max(LEAST_CAUTIOUS_DELIVERY, Math.ceil(maxDeliveries / 2));
    const ranges: AcquiredRecords[] = [];
    let [count, isCautious] = [0, false];
    for (const run of this.#runs) {
      if (run.first > end || count >= most || isCautious) break;
      const [first, whole] = [Math.max(run.first, begin), Math.min(run.last, end)];
      if (!isAvailable(run) || first > whole) continue;
      const { deliveryCount } = run;
      isCautious = deliveryCount >= cautiousFrom;
      if (isCautious && count > 0) break;
      const portion = isCautious ? cautiousPortion(run, cautiousFrom, maxDeliveries) : whole - first + 1;
      const last = Math.min(whole, first + (isStrict ? Math.min(portion, most - count) : portion) - 1);
      ranges.push({ first, last, deliveryCount: deliveryCount + 1 });
      count += last - first + 1;
    }
    for (const { first, last, deliveryCount } of ranges)
      this.#change(first, last, isAvailable, (run) => ({
        ...run,
        state: 'acquired',
        deliveryCount,
        memberId,
        lockedUntil,
      }));
    return { ranges, count, isCautious };
  }

  #acquireNew(
    { memberId, lockedUntil, isStrict, batchSize, batches }: Acquisition,
    begin: number,
    end: number,
    most: number,
  ): AcquiredRecords[] {
    if (begin > this.endOffset) this.#append(idle(this.endOffset, begin - 1, 'archived', 0));
    const wanted = begin + most - 1;
    const batchEnd = batches.find(({ last }) => last >= wanted)?.last ?? end;
    const last = Math.min(end, isStrict ? wanted : batchEnd);
    const ranges: AcquiredRecords[] = [];
    for (let first = begin; first <= last; ) {
      // A range ends where a batch does, as soon as it has enough records.
      const next = isStrict
        ? undefined
        : batches.find((batch) => batch.first > first && batch.first - first >= batchSize);
      const rangeEnd = next && next.first <= last ? next.first - 1 : last;
      ranges.push({ first, last: rangeEnd, deliveryCount: 1 });
      this.#append({ ...idle(first, rangeEnd, 'acquired', 1), memberId, lockedUntil });
      first = rangeEnd + 1;
    }
    return ranges;
  }

  #acknowledgeProblem(
    memberId: string,
    first: number,
    last: number,
    type: Acknowledgement,
    renewedUntil: number | undefined,
  ): { readonly error: ErrorCode; readonly message: string } | undefined {
    if (this.#runs.length === 0) return invalidState('The records are not in flight.');
    if (last >= this.endOffset)
      return { error: ErrorCode.INVALID_REQUEST, message: `Records from ${this.endOffset} on were never acquired.` };
    const touched = this.#runs.filter((run) => run.first <= last && run.last >= first);
    if (!touched.every(isLocked)) return invalidState('The records are not acquired.');
    if (touched.some((run) => run.memberId !== memberId))
      return invalidState('Another member has acquired the records.');
    if (type === 'renew' && renewedUntil === undefined)
      return invalidState('Renewing acquisition locks is not enabled for the group.');
    return undefined;
  }

  #become(state: RecordState, first: number, last: number, applies: (run: Run) => boolean): void {
    this.#change(first, last, applies, (run) => idle(run.first, run.last, state, run.deliveryCount));
  }

  #end(ticket: number, change: (run: Run, transition: Transition) => Run): void {
    const isOfTicket = ({ transition }: Run): boolean => transition?.ticket === ticket;
    this.#change(this.#startOffset, this.endOffset - 1, isOfTicket, (run) => {
      invariant(run.transition, () => `a run of ticket ${ticket} has no transition`);
      return change(run, run.transition);
    });
    this.#forgetDone();
  }

  /** Splits the runs at the ends of the range. */
  #change(first: number, last: number, applies: (run: Run) => boolean, change: (run: Run) => Run): void {
    if (first > last) return;
    const runs = this.#runs.flatMap((run) => {
      if (run.last < first || run.first > last || !applies(run)) return [run];
      const [from, to] = [Math.max(run.first, first), Math.min(run.last, last)];
      const changed = change({ ...run, first: from, last: to });
      const before = run.first < from ? [{ ...run, last: from - 1 }] : [];
      const after = run.last > to ? [{ ...run, first: to + 1 }] : [];
      return [...before, changed, ...after];
    });
    this.#runs = merged(runs);
  }

  #append(run: Run): void {
    invariant(run.first === this.endOffset, () => `a run begins at ${run.first}, not at ${this.endOffset}`);
    this.#runs = [...this.#runs, run];
  }

  #forgetDone(): void {
    const end = this.endOffset;
    const kept = this.#runs.findIndex((run) => !isDone(run));
    if (kept === 0 || this.#runs.length === 0) return;
    this.#runs = kept < 0 ? [] : this.#runs.slice(kept);
    this.#startOffset = this.#runs[0]?.first ?? end;
  }
}

const idle = (first: number, last: number, state: RecordState, deliveryCount: number): Run => ({
  first,
  last,
  state,
  deliveryCount,
  memberId: '',
  lockedUntil: 0,
  transition: undefined,
});

const isAvailable = ({ state }: Run): boolean => state === 'available';
const isLocked = ({ state, transition }: Run): boolean => state === 'acquired' && !transition;
const isDone = ({ state }: Run): boolean => state === 'acknowledged' || state === 'archived';

const outcomeOf = ({ deliveryCount }: Run, to: RecordState, maxDeliveries: number): RecordState =>
  to === 'available' && deliveryCount >= maxDeliveries ? 'archived' : to;

const expired = (run: Run, maxDeliveries: number): Run =>
  idle(run.first, run.last, outcomeOf(run, 'available', maxDeliveries), run.deliveryCount);

function atRest({ first, last, state, deliveryCount, transition }: Run): Run {
  if (transition) return idle(first, last, transition.to, deliveryCount);
  return state === 'acquired'
    ? idle(first, last, 'available', deliveryCount - 1)
    : idle(first, last, state, deliveryCount);
}

/** Half, then a quarter, …, and alone at last: one record may be what all the others fail with. */
function cautiousPortion({ first, last, deliveryCount }: Run, cautiousFrom: number, maxDeliveries: number): number {
  if (maxDeliveries > 2 && deliveryCount >= maxDeliveries - 1) return 1;
  return Math.max(1, (last - first + 1) >> (deliveryCount - cautiousFrom + 1));
}

const invalidState = (message: string) => ({ error: ErrorCode.INVALID_RECORD_STATE, message });

/** As few ranges of one type as possible. */
function byType({ first, last, types }: AcknowledgedRange): { first: number; last: number; type: Acknowledgement }[] {
  const [only] = types;
  if (only === undefined) return [];
  if (types.length === 1) return [{ first, last, type: only }];
  const ranges: { first: number; last: number; type: Acknowledgement }[] = [];
  for (const [at, type] of types.entries()) {
    const before = ranges.at(-1);
    if (before?.type === type) before.last = first + at;
    else ranges.push({ first: first + at, last: first + at, type });
  }
  return ranges;
}

/** Neighbors of the same state and history are one run, unless somebody holds them. */
function merged(runs: readonly Run[]): Run[] {
  const all: Run[] = [];
  for (const run of runs) {
    const before = all.at(-1);
    const joins =
      before &&
      before.state !== 'acquired' &&
      before.state === run.state &&
      (isDone(run) || before.deliveryCount === run.deliveryCount);
    if (joins) all[all.length - 1] = { ...before, last: run.last };
    else all.push(run);
  }
  return all;
}
