// The topic of dead letters: pages of it with the newest first, and one letter whole.
//
// Promises: a page reads a bounded number of records, however few of them match; its cursor goes on where it ended. Of a letter that was
// cut into parts, the first part is what a page shows.
// Never: holds the payloads of a whole page in memory; only their beginnings.
import type { ConsumedRecord, OffsetRange, OffsetReader } from '@milepost/streams';
import type { DeadLetterPage, DeadLetterView } from '../views.ts';

/** Of a page: beyond it a page may be empty, and has a cursor. */
const MOST_SCANNED = 5_000;
/** Of a partition at once. */
const CHUNK = 64;
const PREVIEW_BYTES = 512;
/** Parts of other letters may be between those of one. */
const PARTS_WITHIN = 2_000;
const MOST_BYTES = 64 * 1024 * 1024;

export type DeadLetterSource = Pick<OffsetReader, 'ranges' | 'read' | 'close'>;

export interface DeadLetterFilter {
  readonly reason?: string | undefined;
  /** A part of the key, the client id or the MQTT topic, in upper or lower case. */
  readonly search?: string | undefined;
  /** Receive time, ms since 1970. */
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
}

/** The next offset of each partition: what is below it comes next. A partition without one is at its end. */
export type Cursor = ReadonlyMap<number, number>;

export interface WholeLetter {
  readonly view: DeadLetterView;
  readonly payload: Buffer;
}

export class DeadLetterLog {
  readonly #source: DeadLetterSource;

  constructor(source: DeadLetterSource) {
    this.#source = source;
  }

  async page(filter: DeadLetterFilter, limit: number, cursor?: Cursor): Promise<DeadLetterPage> {
    const ranges = await this.#source.ranges();
    const readers = ranges.map(
      (range) =>
        new Backwards(this.#source, { ...range, end: Math.min(range.end, cursor?.get(range.partition) ?? range.end) }),
    );
    const letters: DeadLetterView[] = [];
    for (let scanned = 0; letters.length < limit && scanned < MOST_SCANNED; scanned++) {
      const newest = await newestOf(readers);
      const letter = newest?.take();
      if (!newest || !letter) return { letters, next: null };
      if (Date.parse(letter.receivedAt) < (filter.fromMs ?? -Infinity)) newest.stop();
      else if (!letter.isLaterPart && isWanted(letter.view, filter)) letters.push(letter.view);
    }
    await newestOf(readers);
    const isOver = readers.every((reader) => reader.isAtEnd);
    return { letters, next: isOver ? null : readers.map(({ at, partition }) => `${partition}:${at}`).join(',') };
  }

  /** Undefined: there is no such letter, or its parts are not complete any more. */
  async letter(partition: number, offset: number): Promise<WholeLetter | undefined> {
    const range = (await this.#source.ranges()).find((one) => one.partition === partition);
    if (!range || offset < range.begin || offset >= range.end) return undefined;
    const end = Math.min(range.end, offset + PARTS_WITHIN);
    let first: ConsumedRecord | undefined;
    const parts: Buffer[] = [];
    let sizeBytes = 0;
    for await (const records of this.#source.read({ partition, begin: offset, end }))
      for (const record of records) {
        if (record.offset < offset) continue;
        if (!first) {
          if (record.offset !== offset || partOf(record).number !== 1) return undefined;
          first = record;
        } else if (!isPartOf(first, record, parts.length + 1)) continue;
        parts.push(record.value ?? Buffer.alloc(0));
        sizeBytes += record.value?.length ?? 0;
        if (sizeBytes > MOST_BYTES) return undefined;
        if (parts.length === partOf(first).count) return { view: viewOf(first), payload: Buffer.concat(parts) };
      }
    return undefined;
  }

  close(): Promise<void> {
    return this.#source.close();
  }
}

interface Read {
  readonly receivedAt: string;
  readonly isLaterPart: boolean;
  readonly view: DeadLetterView;
}

/** The letters of one partition, the newest first. */
class Backwards {
  readonly partition: number;
  readonly #source: DeadLetterSource;
  #begin: number;
  /** What is below it has not been read. */
  #unread: number;
  /** Read, in the order of the log. */
  #chunk: { readonly offset: number; readonly read: Read }[] = [];

  constructor(source: DeadLetterSource, { begin, end, partition }: OffsetRange) {
    this.#source = source;
    this.partition = partition;
    this.#begin = begin;
    this.#unread = Math.max(begin, end);
  }

  /** The offset below which the next one is. */
  get at(): number {
    const last = this.#chunk.at(-1);
    return last ? last.offset + 1 : this.#unread;
  }

  get isAtEnd(): boolean {
    return this.#chunk.length === 0 && this.#unread <= this.#begin;
  }

  async peek(): Promise<Read | undefined> {
    while (this.#chunk.length === 0 && this.#unread > this.#begin) {
      const begin = Math.max(this.#begin, this.#unread - CHUNK);
      for await (const records of this.#source.read({ partition: this.partition, begin, end: this.#unread }))
        for (const record of records)
          if (record.offset >= begin) this.#chunk.push({ offset: record.offset, read: readOf(record) });
      this.#unread = begin;
    }
    return this.#chunk.at(-1)?.read;
  }

  take(): Read | undefined {
    return this.#chunk.pop()?.read;
  }

  /** Older ones are not wanted. */
  stop(): void {
    this.#chunk = [];
    this.#unread = this.#begin;
  }
}

async function newestOf(readers: readonly Backwards[]): Promise<Backwards | undefined> {
  let newest: { readonly reader: Backwards; readonly receivedAt: string } | undefined;
  for (const reader of readers) {
    const read = await reader.peek();
    if (read && (!newest || read.receivedAt > newest.receivedAt)) newest = { reader, receivedAt: read.receivedAt };
  }
  return newest?.reader;
}

function isWanted({ client, key, reason, receivedAt, topic }: DeadLetterView, filter: DeadLetterFilter): boolean {
  const search = filter.search?.toLowerCase() ?? '';
  return (
    Date.parse(receivedAt) <= (filter.toMs ?? Infinity) &&
    (filter.reason === undefined || reason === filter.reason) &&
    [key ?? '', client, topic].some((text) => text.toLowerCase().includes(search))
  );
}

const readOf = (record: ConsumedRecord): Read => ({
  receivedAt: new Date(record.timestamp).toISOString(),
  isLaterPart: partOf(record).number !== 1,
  view: viewOf(record),
});

function viewOf(record: ConsumedRecord): DeadLetterView {
  const { key, offset, partition, timestamp } = record;
  const value = record.value ?? Buffer.alloc(0);
  const text = (name: string): string => record.headers.get(name)?.toString() ?? '';
  return {
    id: `${partition}-${offset}`,
    receivedAt: new Date(timestamp).toISOString(),
    reason: text('reason'),
    detail: text('detail'),
    topic: text('mqtt.topic'),
    client: text('mqtt.client'),
    principal: record.headers.get('principal')?.toString() ?? null,
    key: key?.toString() ?? null,
    sizeBytes: value.length,
    parts: partOf(record).count,
    beginBase64: value.subarray(0, PREVIEW_BYTES).toString('base64'),
  };
}

/** `2/3`: the second of three; a record without it is a whole letter. */
function partOf({ headers }: ConsumedRecord): { readonly number: number; readonly count: number } {
  const [, number = '1', count = '1'] = /^(\d+)\/(\d+)$/.exec(headers.get('part')?.toString() ?? '') ?? [];
  return { number: Number(number), count: Number(count) };
}

function isPartOf(first: ConsumedRecord, record: ConsumedRecord, number: number): boolean {
  const part = partOf(record);
  return (
    part.number === number &&
    part.count === partOf(first).count &&
    record.timestamp === first.timestamp &&
    ['mqtt.client', 'mqtt.topic'].every(
      (name) => record.headers.get(name)?.toString() === first.headers.get(name)?.toString(),
    )
  );
}
