// `meta.properties`: the cluster and the broker that a data folder belongs to, as Kafka writes it. Created at the first
// start, never changed: logs of one cluster served under the metadata of another would be useless.
import { type BrokerId, type Disk, DiskFailed, type Host, Uuid, uuidToBase64 } from '@milepost/core';
import { readText, replaceText } from './checkpoint.ts';

export const META_PROPERTIES = 'meta.properties';

/** The folder cannot be used; the message is one line with the cure. */
export class LogDirectoryRefused extends Error {
  override readonly name = 'LogDirectoryRefused';
}

/** The cluster id: the given one, else the folder's, else a new one. @throws LogDirectoryRefused, DiskFailed */
export async function claimIdentity(
  host: Host,
  folder: string,
  identity: { readonly clusterId: string | undefined; readonly brokerId: BrokerId },
): Promise<string> {
  const text = readText(host.disk, `${folder}/${META_PROPERTIES}`);
  if (text === undefined) {
    const clusterId = identity.clusterId ?? newId(host);
    const lines = [
      '#',
      `cluster.id=${clusterId}`,
      `directory.id=${newId(host)}`,
      `node.id=${identity.brokerId}`,
      'version=1',
    ];
    await syncNameOf(host.disk, folder); // first: where the file exists, the folder's own name is not synced any more
    await replaceText(host.disk, folder, META_PROPERTIES, `${lines.join('\n')}\n`);
    return clusterId;
  }
  const properties = new Map(
    text
      .split('\n')
      .filter((line) => line.includes('=') && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.indexOf('=')).trim(), line.slice(line.indexOf('=') + 1).trim()] as const),
  );
  const clusterId = properties.get('cluster.id');
  if (clusterId === undefined)
    throw new LogDirectoryRefused(
      `${folder}/${META_PROPERTIES} names no cluster.id: restore it, or start with an empty data folder`,
    );
  if (identity.clusterId !== undefined && identity.clusterId !== clusterId)
    throw new LogDirectoryRefused(
      `data folder ${folder} belongs to cluster ${clusterId}, the database to cluster ${identity.clusterId}: ` +
        'set MILEPOST_DATA_DIR and DATABASE_URL to a pair that belongs together',
    );
  const brokerId = properties.get('node.id');
  if (brokerId !== undefined && brokerId !== String(identity.brokerId))
    throw new LogDirectoryRefused(
      `data folder ${folder} belongs to broker ${brokerId}, this is broker ${identity.brokerId}: ` +
        'set MILEPOST_BROKER_ID or MILEPOST_DATA_DIR to match',
    );
  return clusterId;
}

/** Resolves when the folder, and the parents created for it, would survive a power cut. */
async function syncNameOf(disk: Disk, folder: string): Promise<void> {
  const end = folder.lastIndexOf('/');
  if (end < 0) return;
  const parent = folder.slice(0, end) || '/';
  try {
    await disk.syncFolder(parent);
  } catch (failure) {
    if (failure instanceof DiskFailed && failure.code === 'EACCES') return; // not ours to read, so not created by us
    throw failure;
  }
  if (parent !== '/') await syncNameOf(disk, parent);
}

const newId = (host: Host): string => uuidToBase64(Uuid(host.random.uuid()));
