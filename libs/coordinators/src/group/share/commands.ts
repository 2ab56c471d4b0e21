// Requests and responses of share groups, free of wire types.
import type { DescribedAssignment } from '../model/described.ts';
import type { ErrorCode, Uuid } from '@milepost/core';
import type { ShareGroupState } from './state.ts';

export interface ShareHeartbeatCommand {
  readonly groupId: string;
  readonly memberId: string;
  /** 0: join. -1: leave. */
  readonly memberEpoch: number;
  /** Null: unchanged. */
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** Null: unchanged. */
  readonly topicNames: readonly string[] | null;
}

export interface ShareHeartbeatResult {
  readonly error: ErrorCode;
  readonly errorMessage: string | null;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** Null: unchanged. */
  readonly assignment: readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[] | null;
}

export interface DescribedShareGroup {
  /** GROUP_ID_NOT_FOUND: no such group, or one of another kind. Then only `groupId` is set. */
  readonly error: ErrorCode;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly state: ShareGroupState | '';
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly rackId: string | null;
    readonly memberEpoch: number;
    readonly clientId: string;
    readonly clientHost: string;
    readonly topicNames: readonly string[];
    readonly assignment: readonly DescribedAssignment[];
  }[];
}

export interface AlterShareOffsetsCommand {
  readonly groupId: string;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly startOffset: number }[];
  }[];
}

export interface AlterShareOffsetsResult {
  /** Of the whole request; then `topics` is empty. */
  readonly error: ErrorCode;
  readonly message: string | null;
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: Uuid;
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorCode }[];
  }[];
}

export interface DeleteShareOffsetsCommand {
  readonly groupId: string;
  readonly topics: readonly string[];
}

export interface DeleteShareOffsetsResult {
  readonly error: ErrorCode;
  readonly message: string | null;
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: Uuid;
    readonly error: ErrorCode;
    readonly message: string | null;
  }[];
}
