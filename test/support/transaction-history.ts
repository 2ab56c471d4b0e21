// Holds what readers with read_committed saw against what the writers of transactions know. Promises to find: a record of a committed
// transaction that is lost, one of an aborted or abandoned transaction that is visible, a transaction that is visible in part, a
// record that is there twice, transactions of a writer in another order than they were written, and a record that a reader saw before
// and that is not there at the end. It never guesses: a transaction whose end is unknown may be there, but only whole.

/**
 * `open`: the writer was killed before it asked for an end; `committing`: it asked for a commit and learned no more. `aborted` includes
 * an abort whose response was lost: a commit was never asked for.
 */
export type TransactionEnd = 'open' | 'committing' | 'committed' | 'aborted';

export interface WrittenTransaction {
  readonly id: string;
  readonly writer: string;
  readonly end: TransactionEnd;
  /** How many records the transaction has, if it got so far as to ask for its end. */
  readonly records: number;
}

export interface SeenRecord {
  readonly partition: number;
  readonly offset: number;
  readonly transaction: string;
  /** Its place in the transaction. */
  readonly index: number;
}

export interface Histories {
  /** In the order in which each writer began them. */
  readonly transactions: readonly WrittenTransaction[];
  /** By a reader that began after everything had ended. */
  readonly final: readonly SeenRecord[];
  /** By a reader that read all along, in its order. */
  readonly followed: readonly SeenRecord[];
}

/** Empty if nothing is wrong. */
export function anomalies({ transactions, final, followed }: Histories): string[] {
  const seen = Map.groupBy(final, ({ transaction }) => transaction);
  const known = new Set(transactions.map(({ id }) => id));
  const unknown = [...seen.keys()].filter((id) => !known.has(id)).map((id) => `${id} was never written`);
  return [
    ...unknown,
    ...transactions.flatMap((one) => anomaliesOf(one, seen.get(one.id) ?? [])),
    ...disorder(transactions, final),
    ...takenBack(followed, final),
  ];
}

function anomaliesOf({ id, end, records }: WrittenTransaction, seen: readonly SeenRecord[]): string[] {
  const distinct = new Set(seen.map(({ index }) => index)).size;
  const found: string[] = [];
  if (distinct < seen.length) found.push(`${id} (${end}): ${seen.length - distinct} records are there twice`);
  if (end === 'committed' && distinct < records)
    found.push(`${id}: ${records - distinct} of ${records} committed records are lost`);
  if (end === 'committing' && distinct > 0 && distinct < records)
    found.push(`${id}: torn, ${distinct} of ${records} records are visible`);
  if ((end === 'aborted' || end === 'open') && distinct > 0)
    found.push(`${id} (${end}): ${distinct} records are visible`);
  return found;
}

/** In each partition, a writer's records are in the order in which it wrote them. */
function disorder(transactions: readonly WrittenTransaction[], final: readonly SeenRecord[]): string[] {
  const places = new Map(transactions.map(({ id, writer }, place) => [id, { writer, place }]));
  const last = new Map<string, { readonly place: number; readonly index: number; readonly transaction: string }>();
  const found: string[] = [];
  for (const { partition, offset, transaction, index } of final.toSorted(byPlace)) {
    const { writer, place } = places.get(transaction) ?? {};
    if (writer === undefined || place === undefined) continue;
    const before = last.get(`${writer} ${partition}`);
    if (before && (place < before.place || (place === before.place && index < before.index)))
      found.push(
        `partition ${partition}, offset ${offset}: ${transaction}/${index} follows ${before.transaction}/${before.index}`,
      );
    last.set(`${writer} ${partition}`, { place, index, transaction });
  }
  return found;
}

/** A reader has seen a beginning of what is there at the end: no record else, none in between later. */
function takenBack(followed: readonly SeenRecord[], final: readonly SeenRecord[]): string[] {
  const atEnd = Map.groupBy(final.toSorted(byPlace), ({ partition }) => partition);
  const found: string[] = [];
  for (const [partition, records] of Map.groupBy(followed, (one) => one.partition)) {
    const wrong = records.findIndex((record, place) => !isSame(record, atEnd.get(partition)?.[place]));
    if (wrong < 0) continue;
    const [then, now] = [records[wrong], atEnd.get(partition)?.[wrong]];
    found.push(`partition ${partition}: a reader saw ${text(then)} where ${text(now)} is at the end`);
  }
  return found;
}

const byPlace = (a: SeenRecord, b: SeenRecord): number => a.partition - b.partition || a.offset - b.offset;

const isSame = (one: SeenRecord, other: SeenRecord | undefined): boolean =>
  one.offset === other?.offset && one.transaction === other.transaction && one.index === other.index;

const text = (record: SeenRecord | undefined): string =>
  record ? `${record.transaction}/${record.index} at ${record.offset}` : 'nothing';
