// Pieces that several messages share.
import { ErrorCode, NO_BROKER, NO_LEADER_EPOCH } from '@milepost/core';
import { brokerId, bytes, errorCode, int8, int32, leaderEpoch, string, struct } from '../schema/field.ts';

/** A quota held the request back for so long (KIP-219: the answer comes at once, then the channel is muted). */
export const throttleTimeMs = int32.default(0);

/** For error codes that a handler rarely has to state. */
export const noErrorByDefault = errorCode.default(ErrorCode.NONE);

export const nullableString = string.nullable().default(null);

/** An error message where Kafka answers an empty text, and not null, when there is no error. */
export const emptyMessage = string.nullable().default('');

export const emptyByDefault = bytes.default(Buffer.alloc(0));

/** Bits of what the client may do (KIP-430), when the client did not ask for them. */
export const OPERATIONS_NOT_ASKED = -2147483648;
export const authorizedOperations = int32.default(OPERATIONS_NOT_ASKED);

/** Hint at the leader for a client that asked the wrong broker (KIP-951); -1/-1 when there is nothing to say. */
export const currentLeader = struct({
  leaderId: brokerId.default(NO_BROKER),
  leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH),
});

export const nodeEndpoint = {
  nodeId: brokerId,
  host: string,
  port: int32,
  rack: nullableString,
};

/** The pattern of a rule that names one resource, as opposed to a prefix (KIP-290). */
export const LITERAL_PATTERN = 3;

export const aclFilter = {
  resourceTypeFilter: int8,
  resourceNameFilter: string.nullable(),
  patternTypeFilter: int8.default(LITERAL_PATTERN),
  principalFilter: string.nullable(),
  hostFilter: string.nullable(),
  operation: int8,
  permissionType: int8,
};
