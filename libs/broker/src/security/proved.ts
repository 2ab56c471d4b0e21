// What a client has shown by an exchange of SASL.
import type { Principal } from '@milepost/security';

/** Who the client is. */
export interface Proved {
  readonly principal: Principal;
  /** When what it has shown ends, in ms since 1970; absent: never. */
  readonly expiresAtMs?: number;
  /** By a delegation token. */
  readonly isByToken?: boolean;
}
