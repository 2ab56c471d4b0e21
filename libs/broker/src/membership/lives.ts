// A log folder's record of brokers' lives in it: their incarnations, and the last registration of one of them. Stored
// in `.lives` beside the logs, under the folder's lock, and replaced as a whole by each start, before that start acquires
// or registers anything.
//
// The holder of the lock knows that every incarnation named here is dead. If the database has a later registration than
// this record, by an incarnation that is not named here, it belongs to a life that this folder has not seen: the folder
// is an older copy, or another one.
import { type Disk, DiskFailed, type Logger, Uuid } from '@milepost/core';
import type { BrokerState } from '@milepost/metadata';
import { readText, replaceText } from '@milepost/log';

const NAME = '.lives';
/** Enough for a broker that fails to start for a while. A dropped one costs its successor the wait for a lease. */
const MOST_INCARNATIONS = 16;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export interface Lives {
  /** Ascending: the latest one is last. */
  readonly incarnations: readonly Uuid[];
  /** The epoch of the last registration that a start has found to be of this folder; undefined before the first. */
  readonly brokerEpoch: number | undefined;
}

/** Whether the registration is of a life in this folder. */
export const isOwnLife = (
  { incarnations, brokerEpoch = -1 }: Lives,
  { epoch, incarnation }: Pick<BrokerState, 'epoch' | 'incarnation'>,
): boolean => epoch <= brokerEpoch || (incarnation !== null && incarnations.includes(incarnation));

/** Undefined for a folder without a record, or with a damaged one. */
export function readLives(disk: Disk, folder: string): Lives | undefined {
  const lines = (readText(disk, `${folder}/${NAME}`) ?? '').split('\n');
  if (lines[0] !== 'version=1') return undefined;
  const valuesOf = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
  const epoch = Number(valuesOf('broker.epoch')[0] ?? Number.NaN);
  return {
    incarnations: valuesOf('incarnation')
      .filter((text) => UUID.test(text))
      .map(Uuid),
    brokerEpoch: Number.isSafeInteger(epoch) ? epoch : undefined,
  };
}

/** A full disk does not prevent a broker from starting: its successor then waits for the lease. @throws DiskFailed */
export async function writeLives(
  { disk, logger }: { readonly disk: Disk; readonly logger: Logger },
  folder: string,
  { incarnations, brokerEpoch }: Lives,
): Promise<void> {
  const lines = [
    'version=1',
    ...incarnations.slice(-MOST_INCARNATIONS).map((incarnation) => `incarnation=${incarnation}`),
    ...(brokerEpoch === undefined ? [] : [`broker.epoch=${brokerEpoch}`]),
  ];
  try {
    await replaceText(disk, folder, NAME, `${lines.join('\n')}\n`);
  } catch (failure) {
    if (!(failure instanceof DiskFailed && failure.isFull)) throw failure;
    logger.warn({ folder, reason: failure.message }, `${folder}/${NAME} is not up to date: the disk is full`);
  }
}
