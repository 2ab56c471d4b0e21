// The rules' state of one truck. It is stored in the same transaction as the offset up to which it is valid.
import type { ArrivalsSoFar, Position } from '@milepost/fleet';

export interface TruckState {
  readonly truckId: string;
  /** Of the last record: its offset, and its timestamp (when the gateway received it), ms since 1970. */
  readonly lastOffset: number;
  readonly lastHeardMs: number;
  readonly lastPosition: Position;
  /** Who was authenticated as its sender; absent: nobody. */
  readonly lastPrincipal?: string;
  /** Decides whether the next position is newer than that one. Absent in states of earlier versions. */
  readonly arrivals?: ArrivalsSoFar;
  /** Rules that have fired and whose cause continues. */
  readonly firing: readonly string[];
  /** Geofences that the truck has been inside. */
  readonly inside: readonly string[];
}
