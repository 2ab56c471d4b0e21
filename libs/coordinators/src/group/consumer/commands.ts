// What members of consumer groups ask and are told, free of wire types.
import type { ErrorCode, Uuid } from '@milepost/core';
import type { ConsumerGroupState } from './state.ts';
import type { Owned } from './owned.ts';

export interface ConsumerHeartbeatCommand {
  readonly groupId: string;
  /** The client's own choice; '' (v0): it is told one. */
  readonly memberId: string;
  /** 0: joins. -1: leaves. -2: a static member leaves for a while. */
  readonly memberEpoch: number;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** -1, and null in the others: as before. */
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
  /** Null: as before. */
  readonly assignment: readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] | null;
}

export type HeartbeatAnswer = (result: ConsumerHeartbeatResult) => void;

/** Names as of now; topics that are gone are left out. */
export interface DescribedAssignment {
  readonly topicId: Uuid;
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface DescribedConsumerGroup {
  /** GROUP_ID_NOT_FOUND: not there, or classic. Then there is only the id. */
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
    /** Speaks the classic protocol. */
    readonly isClassic: boolean;
    readonly clientId: string;
    readonly clientHost: string;
    readonly topicNames: readonly string[];
    readonly topicRegex: string | null;
    /** With what it has yet to give up. */
    readonly assignment: readonly DescribedAssignment[];
    readonly targetAssignment: readonly DescribedAssignment[];
  }[];
}
