// Pieces that several messages share.
import { ErrorCode, NO_BROKER, NO_LEADER_EPOCH } from '@milepost/core';
import {
  array,
  brokerId,
  bytes,
  errorCode,
  int8,
  int32,
  leaderEpoch,
  offset,
  string,
  struct,
} from '../schema/field.ts';

/**
 * A quota throttled the request for this long (KIP-219: the response is sent without a wait, then the channel is
 * muted).
 */
export const throttleTimeMs = int32.default(0);

/** For error codes that a handler rarely has to state. */
export const noErrorByDefault = errorCode.default(ErrorCode.NONE);

export const nullableString = string.nullable().default(null);

/** An error message that is empty, not null, when there is no error, as in Kafka. */
export const emptyMessage = string.nullable().default('');

export const emptyByDefault = bytes.default(Buffer.alloc(0));

/** The operations that a client may perform (KIP-430), when the client did not request them. */
export const OPERATIONS_NOT_ASKED = -2147483648;
export const authorizedOperations = int32.default(OPERATIONS_NOT_ASKED);

/** The leader, for a client that used the wrong broker (KIP-951); -1/-1 if there is no hint. */
export const currentLeader = struct({
  leaderId: brokerId.default(NO_BROKER),
  leaderEpoch: leaderEpoch.default(NO_LEADER_EPOCH),
});

/** Of records that a consumer of a share group has acquired: one type for all offsets, or one for each. */
export const acknowledgementBatches = array({
  firstOffset: offset,
  lastOffset: offset,
  acknowledgeTypes: array(int8),
});

export const nodeEndpoint = {
  nodeId: brokerId,
  host: string,
  port: int32,
  rack: nullableString,
};

/** `User`, `alice` */
export const principal = { principalType: string, principalName: string };

/** The pattern type of an ACL for one resource, as opposed to a prefix (KIP-290). */
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
