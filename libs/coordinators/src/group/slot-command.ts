// A command on a group, and what becomes of it in a group of the other protocol.
import type { ErrorCode } from '@milepost/core';
import type { ClassicVerb } from './classic/turn.ts';
import type { ConsumerVerb } from './consumer/turn.ts';

/** A command of the classic protocol, for whichever group is there when its turn comes. */
export interface ClassicCommand {
  /** Runs in a classic group. */
  readonly classic: ClassicVerb;
  /** Runs in a consumer group with members. Without it, `noGroup` responds there too. */
  readonly consumer?: ConsumerVerb;
  /** Responds where there is no group. Without it, a classic group is created. */
  readonly noGroup?: () => void;
  readonly refused: (error: ErrorCode) => void;
}

/** A command of the consumer protocol, for whichever group is there when its turn comes. */
export interface ConsumerCommand {
  /** Runs in a consumer group. */
  readonly consumer: ConsumerVerb;
  /** Converts a classic group with members to a consumer group, if that is possible. */
  readonly upgrades?: true;
  /** Responds if a classic group with members stays classic, with the reason. Without it, `noGroup` responds. */
  readonly classicGroup?: (reason?: string) => void;
  /** Responds where there is no group. Without it, a consumer group is created. */
  readonly noGroup?: () => void;
  readonly refused: (error: ErrorCode) => void;
}
