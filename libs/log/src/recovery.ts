// Recovers a folder's segments: after a clean stop it checks only the end, after an unclean one it scans everything
// that may not have been durable.
//
// Promises: a batch that was written whole is never cut while something intact follows it: a damaged one remains in its
// place, is logged, and is refused to readers. Written whole means: everything below the recovery point, which was
// synced, and above it everything without a hole from a power cut (integrity/torn-write.ts, decision 0024). The log
// ends at the first batch that was not written whole (a torn tail). Intact batches after it were never acknowledged
// with flush `always`, and are kept in a file beside. Every cut is logged, with path, position, size and reason. All
// that remains is synced before it counts as flushed: after a kill -9 it may be only in the page cache, and after a
// failed sync (integrity/failed-sync.ts) it must be rewritten for the sync to mean anything.
import { type Clock, type Disk, type Logger, NO_LEADER_EPOCH, type Offset, Offset as offsetOf } from '@milepost/core';
import { isAbortMarker } from '@milepost/records';
import { readText, replaceText } from './checkpoint.ts';
import { EpochHistory } from './epoch-history.ts';
import { LogFile } from './log-file.ts';
import { seek } from './read.ts';
import { agreesWithBatches } from './integrity/aborted-check.ts';
import { clearFailedSync, hadFailedSync, markFailedSync } from './integrity/failed-sync.ts';
import { type Damage, describeDamage } from './integrity/flaws.ts';
import { hasHole, wasNeverWhole } from './integrity/torn-write.ts';
import { findIntact, scan, scanInTurns } from './integrity/scan.ts';
import { type BatchPlace, Segment } from './segment.ts';
import { offsetsIn, SEGMENT_EXTENSIONS } from './segment-files.ts';
import { DELETED, finishSwaps } from './segment-swap.ts';

export const EPOCH_FILE = 'leader-epoch-checkpoint';

export interface RecoveryTask {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly folder: string;
  /** The last stop was clean. */
  readonly wasClean: boolean;
  /** Exclusive: everything below was durable. After a clean stop: the log's end. */
  readonly recoveryPoint: Offset;
  /** Exclusive: everything below was deleted, though its files may still exist. */
  readonly logStartOffset: Offset;
  readonly indexIntervalBytes: number;
}

interface OpenedSegments {
  /** In order, at least one. */
  readonly segments: Segment[];
  /** Those of them whose index of aborted transactions must be rebuilt (transaction-index-recovery.ts). */
  readonly unsureOfAborted: Set<Segment>;
}

export interface Recovered extends OpenedSegments {
  readonly epochs: EpochHistory;
  readonly logStartOffset: Offset;
  /** Something had to be cut, or is damaged above the recovery point: a new leader epoch signals it to clients. */
  readonly lostTail: boolean;
  /**
   * Something is missing, or damaged, that may have been synced. A torn write never was
   * (docs/decisions/0018-a-torn-write-is-no-loss.md).
   */
  readonly mayLackSynced: boolean;
  /** The log ends before offsets that were synced once: the disk has lost acknowledged batches. */
  readonly isShort: boolean;
  readonly scannedBytes: number;
}

export async function recover(task: RecoveryTask): Promise<Recovered> {
  const { segments, unsureOfAborted } = await openSegments(task);
  const logStartOffset = offsetOf(Math.max(task.logStartOffset, (segments[0] as Segment).baseOffset));
  const epochs = readEpochs(task, segments, logStartOffset);
  const isHistoryLost = epochs.latest === NO_LEADER_EPOCH && (segments[0] as Segment).sizeBytes > 0;
  const isAsItWasClosed = task.wasClean && !isHistoryLost && endsAsClosed(task, segments.at(-1) as Segment);
  const scanFrom = isHistoryLost ? offsetOf(0) : task.recoveryPoint;
  for (const segment of segments)
    if (!segment.hasPlausibleAborted || !agreesWithBatches(segment, segments)) unsureOfAborted.add(segment);
  const scanned = isAsItWasClosed
    ? UNSCANNED
    : await scanUnflushed(task, { segments, unsureOfAborted }, scanFrom, epochs);
  await startOverIfEmptied(task, segments);

  const end = (segments.at(-1) as Segment).nextOffset;
  const isShort = end < task.recoveryPoint;
  if (isShort)
    task.logger.error(
      { folder: task.folder, end, recoveryPoint: task.recoveryPoint },
      `${task.folder} ends at offset ${end}, but everything below ${task.recoveryPoint} was synced once: the disk has lost it`,
    );
  epochs.truncateFromEnd(end);
  epochs.truncateFromStart(logStartOffset);
  if (epochs.isDirty) await replaceText(task.disk, task.folder, EPOCH_FILE, epochs.toText());
  epochs.isDirty = false;
  const lostTail = scanned.lostTail || isShort;
  const mayLackSynced = scanned.mayLackSynced || isShort;
  return { segments, unsureOfAborted, epochs, logStartOffset, ...scanned, lostTail, mayLackSynced, isShort };
}

/** Empty if the file contradicts the batches: it is rebuilt from them then. */
function readEpochs(task: RecoveryTask, segments: readonly Segment[], logStartOffset: Offset): EpochHistory {
  const path = `${task.folder}/${EPOCH_FILE}`;
  const epochs = EpochHistory.parse(readText(task.disk, path));
  if (agree(epochs, segments, logStartOffset)) return epochs;
  task.logger.warn({ path }, `${path} contradicts the batches: rebuilding it from them`);
  return EpochHistory.parse(undefined);
}

/**
 * Every epoch begins with a batch of its own, after one of an earlier epoch. A gap, which compaction may leave, proves
 * nothing.
 */
function agree(epochs: EpochHistory, segments: readonly Segment[], logStartOffset: Offset): boolean {
  return epochs.starts.every(({ epoch, startOffset }) => {
    if (startOffset > logStartOffset) {
      const before = placeOf(segments, offsetOf(startOffset - 1));
      if (before !== undefined && before.leaderEpoch >= epoch) return false;
    }
    const first = placeOf(segments, offsetOf(Math.max(startOffset, logStartOffset)));
    if (first === undefined) return true;
    return first.leaderEpoch === epoch && (startOffset <= logStartOffset || first.baseOffset === startOffset);
  });
}

/** The batch that contains the offset; undefined if there is none, or none can be found. */
function placeOf(segments: readonly Segment[], offset: Offset): BatchPlace | undefined {
  const segment = segments.findLast(({ baseOffset }) => baseOffset <= offset) ?? (segments[0] as Segment);
  const place = offset <= segment.baseOffset ? segment.placeAt(0) : seek(segment, offset);
  return place !== undefined && 'sizeBytes' in place && place.baseOffset <= offset && offset <= place.lastOffset
    ? place
    : undefined;
}

const UNSCANNED = { lostTail: false, mayLackSynced: false, scannedBytes: 0 };

/**
 * The segments with something at or beyond the log's start; a new one if there is none. Removes leftovers of deletions.
 */
async function openSegments(task: RecoveryTask): Promise<OpenedSegments> {
  const { disk, folder } = task;
  const swapped = await finishSwaps(disk, folder, task.logger);
  const names = (disk.list(folder) ?? []).map((entry) => entry.name);
  const bases = names.flatMap((name) => offsetsIn(name, 'log')).sort((a, b) => a - b);
  const kept = bases.filter((_, n) => (bases[n + 1] ?? Number.POSITIVE_INFINITY) > task.logStartOffset);
  for (const name of names) if (isLeftover(name, kept)) await disk.remove(`${folder}/${name}`);

  if (kept.length === 0) {
    const first = new Segment(disk, folder, task.logStartOffset, { isNew: true });
    await disk.syncFolder(folder);
    return { segments: [first], unsureOfAborted: new Set() };
  }
  const unsureOfAborted = new Set<Segment>();
  const segments = kept.map((base, n) => {
    const segment = new Segment(disk, folder, base, { isNew: false, nextOffset: kept[n + 1] ?? base });
    const isIndexed = segment.rebuildableIndexPaths.every((path) => names.includes(path.slice(folder.length + 1)));
    if (!isIndexed) segment.rebuildIndexes();
    if (!isIndexed || swapped.includes(base)) unsureOfAborted.add(segment);
    return segment;
  });
  return { segments, unsureOfAborted };
}

function isLeftover(name: string, bases: readonly Offset[]): boolean {
  if (name.endsWith(DELETED)) return true;
  return offsetsIn(name, ...SEGMENT_EXTENSIONS).some((offset) => !bases.includes(offset));
}

/** Reads only the last few KB. */
function endsAsClosed(task: RecoveryTask, last: Segment): boolean {
  if (!last.offsets.looksSane(last.sizeBytes)) last.rebuildIndexes();
  const hint = last.offsets.last();
  let least = hint === undefined ? last.baseOffset : (last.placeAt(hint.position)?.baseOffset ?? last.baseOffset);
  const end = scan(last.log, hint?.position ?? 0, {
    visit: (batch, position) => {
      const flaw = last.flawOf(batch, position, least, task.recoveryPoint);
      if (flaw === undefined) least = batch.nextOffset;
      return flaw;
    },
    onFlaw: () => undefined,
  });
  last.endsAt(least);
  const isSame = end === last.sizeBytes && least === task.recoveryPoint;
  if (!isSame)
    task.logger.warn(
      { path: last.path, endsAt: least, closedAt: task.recoveryPoint },
      `${last.path} ends at offset ${least}, but was closed at ${task.recoveryPoint}: scanning it as after an unclean stop`,
    );
  return isSame;
}

async function scanUnflushed(
  task: RecoveryTask,
  { segments, unsureOfAborted }: OpenedSegments,
  scanFrom: Offset,
  epochs: EpochHistory,
): Promise<Pick<Recovered, 'lostTail' | 'mayLackSynced' | 'scannedBytes'>> {
  const { disk, folder } = task;
  const syncHadFailed = hadFailedSync(disk, folder);
  let scannedBytes = 0;
  let wasCut = false;
  let isDamaged = false;
  let mayLackSynced = false;
  for (let n = 0; n < segments.length && !wasCut; n++) {
    const segment = segments[n] as Segment;
    const next = segments[n + 1];
    // If the segment ends exactly there, its batches are synced, but perhaps not the indexes: the roll comes later.
    if (next !== undefined && next.baseOffset < scanFrom) continue;
    scannedBytes += segment.sizeBytes;
    const found = await scanSegment(task, segment, next, epochs);
    isDamaged ||= found.isDamaged;
    if (found.hasAborted || segment.hasAborted) unsureOfAborted.add(segment);
    const damage = found.cutAt ?? flawOfEnd(task, segment, next);
    if (damage !== undefined) {
      wasCut = true;
      mayLackSynced = !wasNeverWhole(segment.log, damage.position);
      await cut(task, damage, segment, segments.splice(n + 1));
    }
    segment.distrust();
    if (syncHadFailed) segment.log.rewriteFrom(0);
    if (next !== undefined && !wasCut) segment.seal();
    // The last segment's indexes are synced with its roll or the stop, as in normal operation.
    await (next === undefined || wasCut ? segment.log.sync() : segment.sync()).catch((failure) => {
      markFailedSync(disk, folder);
      throw failure;
    });
  }
  await disk.syncFolder(folder);
  if (syncHadFailed) await clearFailedSync(disk, folder);
  return { lostTail: wasCut || isDamaged, mayLackSynced: mayLackSynced || isDamaged, scannedBytes };
}

interface ScanResult {
  /** Where the segment must be cut. */
  readonly cutAt: Damage | undefined;
  /** Something above the recovery point is damaged, and remains in its place. */
  readonly isDamaged: boolean;
  /** Transactions were aborted here. */
  readonly hasAborted: boolean;
}

/** Scans a segment, rebuilds its indexes, and adds missing epochs. */
async function scanSegment(
  task: RecoveryTask,
  segment: Segment,
  following: Segment | undefined,
  epochs: EpochHistory,
): Promise<ScanResult> {
  const { path } = segment;
  const end = following?.baseOffset;
  const behind = following?.placeAt(0)?.leaderEpoch;
  let least = segment.baseOffset;
  let epoch = epochs.at(segment.baseOffset);
  let cutAt: Damage | undefined;
  let isDamaged = false;
  let isBehindDamage = false;
  let isDamagedToTheEnd = false;
  let hasAborted = false;
  segment.clearIndexes();
  await scanInTurns(task.clock, segment.log, 0, {
    visit: (batch, position) => {
      // The limit for the last batch's end: after a damaged batch, only its own offsets are known.
      const most =
        end ?? (isBehindDamage ? batch.nextOffset : least < task.recoveryPoint ? task.recoveryPoint : undefined);
      const flaw =
        segment.flawOf(batch, position, least, most) ??
        segment.flawOfEpoch(batch, position, { expected: epoch, behind });
      if (flaw !== undefined) return flaw;
      epoch = batch.leaderEpoch;
      segment.note(batch, position, task.indexIntervalBytes);
      epochs.begin(batch.leaderEpoch, batch.baseOffset);
      least = batch.nextOffset;
      isBehindDamage = false;
      hasAborted ||= isAbortMarker(batch);
      return undefined;
    },
    onFlaw: (position, flaw) => {
      const damage = { path, position, flaw };
      const intact = findIntact(segment.log, position + 1, least);
      const next = intact ?? segment.sizeBytes;
      const isLast = segment.placeAt(position)?.sizeBytes === segment.sizeBytes - position; // and is not cut off
      const isFollowed = intact !== undefined || (isLast && following !== undefined && beginsIntact(following));
      const wasSynced = least < task.recoveryPoint;
      if (!isFollowed || (!wasSynced && hasHole(segment.log, position, next))) {
        cutAt = damage;
        return undefined;
      }
      task.logger.error(
        { path, position, bytes: next - position },
        `${describeDamage(damage)}; it was written whole once, so the disk has damaged it: kept in its place, refused to readers; the log continues ${next - position} bytes further`,
      );
      isDamaged ||= !wasSynced;
      isBehindDamage = true;
      isDamagedToTheEnd = intact === undefined;
      segment.indexNext();
      return next;
    },
  });
  segment.endsAt(isDamagedToTheEnd ? (end as Offset) : least);
  return { cutAt, isDamaged, hasAborted };
}

const beginsIntact = ({ log, baseOffset }: Segment): boolean => findIntact(log, 0, baseOffset) === 0;

/** A segment that was not wholly durable ends early, and the next one, of which more was, cannot follow it. */
function flawOfEnd(task: RecoveryTask, segment: Segment, next: Segment | undefined): Damage | undefined {
  const { nextOffset, path, sizeBytes } = segment;
  if (next === undefined || nextOffset === next.baseOffset || nextOffset < task.recoveryPoint) return undefined;
  return {
    path,
    position: sizeBytes,
    flaw: `ends at offset ${nextOffset}, the next segment begins at ${next.baseOffset}`,
  };
}

/** Before the cut, the bytes after the damage are copied to files beside, if any batch in them is intact. */
async function cut(task: RecoveryTask, damage: Damage, segment: Segment, later: readonly Segment[]): Promise<void> {
  const { disk, logger, folder } = task;
  const { position } = damage;
  const cutBytes = segment.sizeBytes - position + later.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const asides: string[] = [];
  if (findIntact(segment.log, position, segment.nextOffset) !== undefined)
    asides.push(await copyAside(disk, segment, position));
  for (const dropped of later) {
    const holdsIntact = findIntact(dropped.log, 0, dropped.baseOffset) !== undefined;
    dropped.close();
    if (holdsIntact) {
      asides.push(`${dropped.path}.corrupt-0`);
      disk.rename(dropped.path, `${dropped.path}.corrupt-0`);
    } else await disk.remove(dropped.path);
    for (const path of dropped.indexPaths) await disk.remove(path);
  }
  await disk.syncFolder(folder);
  segment.truncate(position, segment.nextOffset);

  const fields = { path: damage.path, position, cutBytes, flaw: damage.flaw, asides };
  const what = `cut ${cutBytes} bytes behind offset ${segment.nextOffset}: ${describeDamage(damage)}`;
  if (asides.length > 0)
    logger.error(
      fields,
      `${what}; intact batches follow it and are kept in ${asides.join(', ')}: with flush \`os\` some of them may have been acknowledged`,
    );
  else logger.warn(fields, `${what}; a torn tail`);
}

async function copyAside(disk: Disk, segment: Segment, position: number): Promise<string> {
  const aside = new LogFile(disk, `${segment.path}.corrupt-${position}`, true);
  const chunk = Buffer.allocUnsafe(1024 * 1024);
  for (let at = position; at < segment.sizeBytes; at += chunk.length)
    aside.append(chunk.subarray(0, segment.log.read(at, chunk)));
  await aside.sync();
  aside.close();
  return aside.path;
}

/** A log never ends before it starts: if its last batches are lost, the offsets below the start must not be reused. */
async function startOverIfEmptied(task: RecoveryTask, segments: Segment[]): Promise<void> {
  const { disk, folder, logStartOffset } = task;
  const last = segments.at(-1) as Segment;
  if (last.nextOffset >= logStartOffset) return;
  task.logger.error(
    { path: last.path, endsAt: last.nextOffset, logStartOffset },
    `${last.path} ends at offset ${last.nextOffset}, before the log's start ${logStartOffset}: continuing empty from there; the old segment is kept beside`,
  );
  for (const dropped of segments.splice(0)) {
    dropped.close();
    disk.rename(dropped.path, `${dropped.path}.corrupt-0`);
    for (const path of dropped.indexPaths) await disk.remove(path);
  }
  segments.push(new Segment(disk, folder, logStartOffset, { isNew: true }));
  await disk.syncFolder(folder);
}
