// Requests and responses of consumer groups, free of wire types.
import type { DescribedAssignment } from '../model/described.ts';
import type { ErrorCode, Uuid } from '@milepost/core';
import type { ConsumerGroupState } from './state.ts';
import type { Owned } from './owned.ts';

export interface ConsumerHeartbeatCommand {
  readonly groupId: string;
  /** Chosen by the client; '' (v0): the coordinator chooses one. */
  readonly memberId: string;
  /** 0: join. -1: leave. -2: a static member leaves for a while. */
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** -1: unchanged; so is null in the fields below. */
  readonly rebalanceTimeoutMs: number;
  readonly topicNames: readonly string[] | null;
  readonly topicRegex: string | null;
  readonly assignor: string | null;
  readonly owned: Owned;
  /** v1+ */
  readonly requiresMemberId: boolean;
}

export interface ConsumerHeartbeatResult {
  readonly error: ErrorCode;
  readonly errorMessage: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Null: unchanged. */
  readonly assignment: readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] | null;
}

export type RespondToHeartbeat = (result: ConsumerHeartbeatResult) => void;

/** With the current topic names. Deleted topics are left out. */
export interface DescribedConsumerGroup {
  /** GROUP_ID_NOT_FOUND: no such group, or a classic one. Then only `groupId` is set. */
  readonly error: ErrorCode;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly state: ConsumerGroupState | '';
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly rackId: string | null;
    readonly memberEpoch: number;
    /** Uses the classic protocol. */
    readonly isClassic: boolean;
    readonly clientId: string;
    readonly clientHost: string;
    readonly topicNames: readonly string[];
    readonly topicRegex: string | null;
    /** Includes what it has yet to give up. */
    readonly assignment: readonly DescribedAssignment[];
    readonly targetAssignment: readonly DescribedAssignment[];
  }[];
}
