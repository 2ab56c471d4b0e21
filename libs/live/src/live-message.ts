// What a page that follows the map is sent: the messages of /api/live, as both sides know them.
import type { Alert } from '@milepost/alerts';

/** One truck in a message to a page. The names are short because a thousand trucks are sent four times a second. */
export interface TruckRow {
  readonly id: string;
  readonly lat: number;
  readonly lon: number;
  /** The time of the position, and of the last message received: ms since 1970. */
  readonly at: number;
  readonly heard: number;
  readonly kmh?: number;
  readonly deg?: number;
  readonly clockWrong?: true;
}
export interface LiveMessage {
  /** `all` replaces the page's state, `changes` adds to it. */
  readonly type: 'all' | 'changes';
  /** The server's clock: a page's own may be wrong. */
  readonly now: number;
  readonly trucks: readonly TruckRow[];
  readonly alerts: readonly Alert[];
}
