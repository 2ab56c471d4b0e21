// Whether a truck is online: the value of a record in the compacted topic `truck_status`, keyed by truck id.

export interface TruckStatus {
  readonly truckId: string;
  /** `lastWill`: the broker published for a device that disconnected without a goodbye. */
  readonly status: 'online' | 'offline' | 'lastWill';
  /** ISO 8601: when it happened, as far as known. */
  readonly ts: string;
  /** The format or the protocol of the source. */
  readonly source: string;
}

export function encodeStatus({ truckId, status, ts, source }: TruckStatus): Buffer {
  return Buffer.from(JSON.stringify({ truckId, status, ts, source }));
}

/** Undefined if the value is not a status. */
export function readStatus(value: Buffer | string): TruckStatus | undefined {
  try {
    const document: unknown = JSON.parse(value.toString());
    return isStatus(document) ? document : undefined;
  } catch {
    return undefined;
  }
}

function isStatus(document: unknown): document is TruckStatus {
  if (typeof document !== 'object' || document === null) return false;
  const { truckId, status, ts, source } = document as Partial<Record<string, unknown>>;
  const texts = [truckId, ts, source].every((text) => typeof text === 'string');
  return texts && (status === 'online' || status === 'offline' || status === 'lastWill');
}
