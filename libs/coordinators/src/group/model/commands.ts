// Requests to a group coordinator and its responses, free of wire types: the broker's handlers translate. Empty strings and -1
// have the meaning that they have in Kafka's protocol. Null means absent.
import type { ErrorCode, LeaderEpoch, Offset, Uuid } from '@milepost/core';

/** An assignment strategy that a member supports, with its subscription: opaque bytes. */
export interface GroupProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

export interface JoinCommand {
  readonly groupId: string;
  /** '' the first time. */
  readonly memberId: string;
  /** `group.instance.id` of a static member (KIP-345). */
  readonly instanceId: string | null;
  readonly clientId: string;
  /** As Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string;
  readonly sessionTimeoutMs: number;
  /** -1 (JoinGroup v0): the session timeout. */
  readonly rebalanceTimeoutMs: number;
  readonly protocolType: string;
  /** Best first. */
  readonly protocols: readonly GroupProtocol[];
  /** JoinGroup v4+ (KIP-394): a dynamic member without an id gets one and must join again with it. */
  readonly requireKnownMemberId: boolean;
  /** JoinGroup v9+ (KIP-814). */
  readonly supportsSkippingAssignment: boolean;
  /** The client's reason, for the log. */
  readonly reason: string | null;
}

export interface JoinResult {
  readonly error: ErrorCode;
  /** -1 with an error. */
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** '' with an error. */
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader only. */
  readonly members: readonly JoinedMember[];
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Buffer;
}

export interface SyncCommand {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Null before v5. */
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  /** From the leader only. */
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[];
}

export interface SyncResult {
  readonly error: ErrorCode;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export interface HeartbeatCommand {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
}

export interface LeaveCommand {
  readonly groupId: string;
  /** One before v3. An instance id with '' as member id: an administrator removes the member. */
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly reason: string | null;
  }[];
}

export interface LeaveResult {
  readonly error: ErrorCode;
  /** Before v3 the response has only the first one's error. */
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly error: ErrorCode;
  }[];
}

export interface CommitCommand {
  readonly groupId: string;
  /** -1: a consumer without group membership, or an administrator. */
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
  /** OffsetCommit v2-4; -1: the group's own retention. */
  readonly retentionTimeMs: number;
  /** OffsetCommit v9+ has GROUP_ID_NOT_FOUND where older versions have ILLEGAL_GENERATION. */
  readonly knowsGroupIdNotFound: boolean;
  readonly topics: readonly {
    readonly name: string;
    /** ZERO_UUID when unknown. */
    readonly topicId: Uuid;
    readonly partitions: readonly {
      readonly partition: number;
      readonly offset: Offset;
      readonly leaderEpoch: LeaderEpoch;
      readonly metadata: string | null;
    }[];
  }[];
}

/** Offsets that count once a transaction is committed. A client that names no member is not checked against the group. */
export interface TransactionalCommitCommand extends Omit<CommitCommand, 'retentionTimeMs' | 'knowsGroupIdNotFound'> {
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** The end of a transaction, as the coordinator of transactions tells it. */
export interface TransactionEnd {
  readonly producerId: bigint;
  /** From transaction version 2 on already that of the producer's next transaction. */
  readonly producerEpoch: number;
  readonly isCommit: boolean;
  readonly transactionVersion: number;
}

/** In the order of the command's topics and partitions. */
export interface CommitResult {
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: Uuid;
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorCode }[];
  }[];
}

export interface FetchOffsetsCommand {
  readonly groupId: string;
  /** Null: all that the group has. */
  readonly topics:
    | readonly { readonly name: string; readonly topicId: Uuid; readonly partitions: readonly number[] }[]
    | null;
  /** The member of a consumer group (OffsetFetch v9+). Null and -1: an administrator. */
  readonly member?: { readonly memberId: string | null; readonly memberEpoch: number };
  /** Wait for commits in progress. */
  readonly requireStable: boolean;
}

export interface FetchOffsetsResult {
  /** An error of the whole group; then `topics` is empty. */
  readonly error: ErrorCode;
  readonly topics: readonly {
    readonly name: string;
    readonly topicId: Uuid;
    readonly partitions: readonly FetchedOffset[];
  }[];
}

/** Without a committed offset: offset -1, leader epoch -1, '' and no error. */
export interface FetchedOffset {
  readonly partition: number;
  readonly error: ErrorCode;
  readonly offset: Offset;
  readonly leaderEpoch: LeaderEpoch;
  readonly metadata: string;
}

export interface DescribedGroup {
  /** GROUP_ID_NOT_FOUND comes with the state `Dead`; DescribeGroups before v6 knows only the latter. */
  readonly error: ErrorCode;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly state: string;
  readonly protocolType: string;
  /** The name of the chosen protocol, while Stable. */
  readonly protocolData: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly instanceId: string | null;
    readonly clientId: string;
    readonly clientHost: string;
    readonly metadata: Buffer;
    readonly assignment: Buffer;
  }[];
}

export interface ListGroupsCommand {
  /** Empty: all. Case does not matter. */
  readonly states: readonly string[];
  readonly types: readonly string[];
}

export interface ListGroupsResult {
  readonly error: ErrorCode;
  readonly groups: readonly {
    readonly groupId: string;
    readonly protocolType: string;
    readonly state: string;
    /** `classic`, `consumer`, `share`. */
    readonly type: string;
  }[];
}

export interface DeletedGroup {
  readonly groupId: string;
  readonly error: ErrorCode;
}

export interface DeleteOffsetsCommand {
  readonly groupId: string;
  readonly topics: readonly { readonly name: string; readonly partitions: readonly number[] }[];
}

export interface DeleteOffsetsResult {
  readonly error: ErrorCode;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: ErrorCode }[];
  }[];
}
