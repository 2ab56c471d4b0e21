// Why a change of the cluster's metadata is refused, as its client will read it.
import type { ErrorCode } from '@milepost/core';

/** An error code and a sentence for the client. */
export interface Refusal {
  readonly error: Exclude<ErrorCode, typeof ErrorCode.NONE>;
  readonly message: string;
}

export const refusal = (error: Refusal['error'], message: string): Refusal => ({ error, message });
