// What this broker has seen of its database, in the file `metadata-seen` of the data folder. With it a start recognizes
// a database that went back: restored from a backup, or failed over to a standby that lacked the last commits
// (libs/metadata/src/origin.ts).
//
// Promises: the memory is durable before anything depends on it: leader epochs before a client is told of them, a change of
// the metadata before its response, producer ids before the first of them is used. The position in the database's own log
// is saved every ten seconds and at a clean stop: a copy that is older by less, with the same metadata, is not recognized.
// Never: refuses a start because the file is missing or damaged. Such a start has no memory.
import {
  type Background,
  type Clock,
  type Disk,
  DiskFailed,
  type LeaderEpoch,
  type Logger,
  NO_LEADER_EPOCH,
} from '@milepost/core';
import { GroupCommit, readText, replaceText } from '@milepost/log';
import { type ClusterImage, isSameOrigin, type MetadataStore, type Sighting } from '@milepost/metadata';
import { crc32c } from '@milepost/records';

const NAME = 'metadata-seen';
const SAVE_EVERY_MS = 10_000;

interface Remembered {
  readonly sighting: Sighting | undefined;
  /** This broker has used no producer id from this one on. */
  readonly producerIdsEnd: bigint;
  /** No client has heard of a later leader epoch from this broker. The logs do not know one in which nothing was appended. */
  readonly latestLeaderEpoch: LeaderEpoch;
}

export interface DatabaseMemoryDeps {
  readonly host: { readonly clock: Pick<Clock, 'after'>; readonly disk: Disk; readonly logger: Logger };
  readonly background: Background;
  readonly store: Pick<MetadataStore, 'sighting'>;
  /** The data folder. */
  readonly folder: string;
}

export class DatabaseMemory {
  /** As the last life of this broker left it. */
  readonly last: Sighting | undefined;
  /** As the file has it. */
  #stored: Sighting | undefined;
  /** How often the database went back without all of it being recovered yet. */
  #recoveries = 0;
  readonly #deps: DatabaseMemoryDeps;
  readonly #saving: GroupCommit;
  #producerIdsEnd: bigint;
  #latestLeaderEpoch: LeaderEpoch;
  #known: Pick<ClusterImage, 'clusterId' | 'origin' | 'version'> | undefined;
  #saved = '';
  #isFailing = false;
  #isClosed = false;
  #cancel = (): void => {};

  constructor(deps: DatabaseMemoryDeps) {
    const { host, folder } = deps;
    const text = readText(host.disk, `${folder}/${NAME}`);
    const remembered = text === undefined ? NOTHING : parse(text);
    if (!remembered) host.logger.warn({}, `${folder}/${NAME} is damaged: an older database would not be recognized`);
    const { sighting, producerIdsEnd, latestLeaderEpoch } = remembered ?? NOTHING;
    this.last = sighting;
    this.#stored = sighting;
    this.#deps = deps;
    this.#known = sighting;
    this.#producerIdsEnd = producerIdsEnd;
    this.#latestLeaderEpoch = latestLeaderEpoch;
    this.#saving = new GroupCommit(() => this.#save());
  }

  get producerIdsEnd(): bigint {
    return this.#producerIdsEnd;
  }

  get latestLeaderEpoch(): LeaderEpoch {
    return this.#latestLeaderEpoch;
  }

  /**
   * Whether the image is of another origin than all before it: then this broker may know more than its database. Until the
   * caller has `recovered` that, each start finds the database gone back again.
   */
  notice({ clusterId, origin, version }: ClusterImage): boolean {
    const known = this.#known;
    if (known?.clusterId === clusterId && version < known.version) return false; // of before, and late
    this.#known = { clusterId, origin, version };
    if (known?.clusterId !== clusterId || isSameOrigin(known.origin, origin)) return false;
    this.#deps.host.logger.warn(
      { seen: known.origin, found: origin, version },
      'the database is not as this broker left it (a backup was restored, or a standby took over): topics that it has ' +
        'forgotten are set aside as .stray, ids and epochs go on beyond those in the logs, committed offsets are ' +
        'restored where __consumer_offsets is ahead; if a newer copy exists, stop, put it in place and start again',
    );
    this.#recoveries += 1;
    return true;
  }

  /** What a `notice` found lost is restored. */
  recovered(): void {
    this.#recoveries -= 1;
  }

  /** Resolves when the current memory is durable. A disk that refuses is logged once. */
  async save(): Promise<void> {
    try {
      await this.#saving.run();
      this.#isFailing = false;
    } catch (failure) {
      if (!(failure instanceof DiskFailed)) throw failure;
      if (!this.#isFailing)
        this.#deps.host.logger.warn({ err: failure }, `${NAME} cannot be written: ${failure.message}`);
      this.#isFailing = true;
    }
  }

  /** Resolves when it is durable which leader epochs the image has, and that it was seen, as `save` does. */
  async saveLeaderEpochs({ topics }: ClusterImage): Promise<void> {
    for (const { partitions } of topics.values())
      for (const { leaderEpoch } of partitions)
        if (leaderEpoch > this.#latestLeaderEpoch) this.#latestLeaderEpoch = leaderEpoch;
    await this.save();
  }

  /** Resolves when it is durable that the ids below `end` are used. @throws DiskFailed */
  async saveProducerIds(end: bigint): Promise<void> {
    if (end > this.#producerIdsEnd) this.#producerIdsEnd = end;
    await this.#saving.run();
  }

  /** Begins to save periodically. */
  begin(): void {
    const { host, background } = this.#deps;
    this.#cancel = host.clock.after(SAVE_EVERY_MS, () =>
      background.run('saving what was seen of the database', async () => {
        await this.save();
        if (!this.#isClosed) this.begin();
      }),
    );
  }

  /** Saves a last time. The folder may belong to another process afterwards, and is not touched. */
  async close(): Promise<void> {
    this.#cancel();
    await this.save();
    this.#isClosed = true;
  }

  async #save(): Promise<void> {
    if (this.#isClosed) return;
    const { host, store, folder } = this.#deps;
    const sighting = this.#recoveries > 0 ? this.#stored : (store.sighting() ?? this.last);
    const latestLeaderEpoch = this.#latestLeaderEpoch;
    const text = format({ sighting, producerIdsEnd: this.#producerIdsEnd, latestLeaderEpoch });
    if (text === this.#saved) return;
    this.#saved = ''; // until the content of the file is known again
    await replaceText(host.disk, folder, NAME, text);
    this.#saved = text;
    this.#stored = sighting;
  }
}

const NOTHING: Remembered = {
  sighting: undefined,
  producerIdsEnd: 0n,
  latestLeaderEpoch: NO_LEADER_EPOCH,
};

/** One line of JSON, and one with its checksum: a flipped bit must not make a database look old. */
function format({ sighting, producerIdsEnd, latestLeaderEpoch }: Remembered): string {
  const line = JSON.stringify({
    format: 1,
    producerIdsEnd: String(producerIdsEnd),
    latestLeaderEpoch,
    ...(sighting && { sighting: { ...sighting, position: String(sighting.position) } }),
  });
  return `${line}\n${checksum(line)}\n`;
}

function parse(text: string): Remembered | undefined {
  const [line = '', sum] = text.split('\n');
  if (sum !== checksum(line)) return undefined;
  const { producerIdsEnd, latestLeaderEpoch, sighting } = JSON.parse(line) as {
    producerIdsEnd: string;
    /** Absent in the files of earlier builds. */
    latestLeaderEpoch?: LeaderEpoch;
    sighting?: Omit<Sighting, 'position'> & { readonly position: string };
  };
  return {
    producerIdsEnd: BigInt(producerIdsEnd),
    latestLeaderEpoch: latestLeaderEpoch ?? NO_LEADER_EPOCH,
    sighting: sighting && { ...sighting, position: BigInt(sighting.position) },
  };
}

const checksum = (line: string): string => crc32c(Buffer.from(line)).toString(16).padStart(8, '0');
