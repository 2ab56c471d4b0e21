// The rules' state of one truck. It is stored in the same transaction as the offset up to which it is valid.
import type { Position } from '@milepost/fleet';

export interface TruckState {
  readonly truckId: string;
  /** Of the last record: its offset, and its timestamp (when the gateway received it), ms since 1970. */
  readonly lastOffset: number;
  readonly lastHeardMs: number;
  readonly lastPosition: Position;
  /** When that position was taken, ms since 1970 (`takenAtMs`). Absent in states of earlier versions. */
  readonly lastTakenMs?: number;
  /** Rules that have fired and whose cause continues. */
  readonly firing: readonly string[];
  /** Geofences that the truck has been inside. */
  readonly inside: readonly string[];
}
