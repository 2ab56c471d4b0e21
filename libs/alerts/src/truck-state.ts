// What the rules remember of one truck. It is kept in the same transaction as the offset up to which it is true.
import type { Position } from '@milepost/fleet';

export interface TruckState {
  readonly truckId: string;
  /** Of the last position: offset, and the record's timestamp (when the gateway received it), ms since 1970. */
  readonly lastOffset: number;
  readonly lastHeardMs: number;
  readonly lastPosition: Position;
  /** Rules that have fired and whose cause lasts. */
  readonly firing: readonly string[];
  /** Geofences that the truck has been inside of. */
  readonly inside: readonly string[];
}
