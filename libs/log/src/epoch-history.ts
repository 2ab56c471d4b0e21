// The offset at which each leader epoch began to write (KIP-101): `leader-epoch-checkpoint`, a line `<epoch> <start
// offset>` for each. Epochs and start offsets both ascend. Every batch carries its epoch too, so recovery can add what
// the file lacks; the file makes a clean start cheap.
import { LeaderEpoch, NO_LEADER_EPOCH, Offset } from '@milepost/core';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { EpochEnd } from './outcomes.ts';

export interface EpochStart {
  readonly epoch: LeaderEpoch;
  readonly startOffset: Offset;
}

export class EpochHistory {
  #starts: EpochStart[] = [];
  /** There are changes that the file does not have yet. */
  isDirty = false;

  /** An unreadable text is an empty history; recovery rebuilds it. */
  static parse(text: string | undefined): EpochHistory {
    const history = new EpochHistory();
    const entries = parseCheckpoint(text ?? '', 2) ?? [];
    for (const [epoch, startOffset] of entries) history.begin(LeaderEpoch(Number(epoch)), Offset(Number(startOffset)));
    history.isDirty = false;
    const doAscend = history.#starts.length === entries.length;
    return doAscend ? history : new EpochHistory();
  }

  toText(): string {
    return formatCheckpoint(this.#starts.map(({ epoch, startOffset }) => `${epoch} ${startOffset}`));
  }

  get starts(): readonly EpochStart[] {
    return this.#starts;
  }

  get latest(): LeaderEpoch {
    return this.#starts.at(-1)?.epoch ?? NO_LEADER_EPOCH;
  }

  /**
   * The epoch writes from this offset on. No effect for an epoch that has begun already; removes one that wrote
   * nothing.
   */
  begin(epoch: LeaderEpoch, startOffset: Offset): void {
    if (epoch <= this.latest) return;
    this.#starts = this.#starts.filter((start) => start.startOffset < startOffset);
    this.#starts.push({ epoch, startOffset });
    this.isDirty = true;
  }

  /** The epoch of the record at this offset, or of the next record to be appended. */
  at(offset: Offset): LeaderEpoch {
    return this.#starts.findLast((start) => start.startOffset <= offset)?.epoch ?? NO_LEADER_EPOCH;
  }

  /**
   * The end of the given epoch, or of the last one before it that wrote here. Undefined for an epoch beyond the latest.
   * An epoch older than all known ones ends where the first known one starts.
   */
  endOf(epoch: LeaderEpoch, logEndOffset: Offset): EpochEnd | undefined {
    if (epoch < 0 || epoch > this.latest) return undefined;
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset };
    const next = this.#starts.find((start) => start.epoch > epoch) as EpochStart;
    const own = this.#starts.findLast((start) => start.epoch <= epoch);
    return { epoch: own?.epoch ?? epoch, endOffset: next.startOffset };
  }

  truncateFromEnd(endOffset: Offset): void {
    this.#replace(this.#starts.filter((start) => start.startOffset < endOffset));
  }

  /** The epoch that covers the new start now starts there. */
  truncateFromStart(startOffset: Offset): void {
    const covering = this.at(startOffset);
    const later = this.#starts.filter((start) => start.startOffset > startOffset);
    this.#replace(covering === NO_LEADER_EPOCH ? later : [{ epoch: covering, startOffset }, ...later]);
  }

  #replace(starts: EpochStart[]): void {
    const isSame = starts.length === this.#starts.length && starts[0]?.startOffset === this.#starts[0]?.startOffset;
    if (isSame) return;
    this.#starts = starts;
    this.isDirty = true;
  }
}
