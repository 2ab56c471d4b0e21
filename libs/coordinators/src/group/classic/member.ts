// A member of a classic group, created and updated from its JoinGroup.
import { ErrorCode } from '@milepost/core';
import type { GroupProtocol, JoinCommand, JoinResult } from '../model/commands.ts';
import { type Member, NO_ASSIGNMENT } from './state.ts';
import { failedJoin, type ClassicTurn } from './turn.ts';

export type RespondToJoin = (result: JoinResult) => void;

export function newMember(memberId: string, command: JoinCommand, respond: RespondToJoin): Member {
  const { instanceId, clientId, clientHost } = command;
  return {
    memberId,
    instanceId,
    clientId,
    clientHost,
    ...requestedBy(command),
    assignment: NO_ASSIGNMENT,
    held: NO_ASSIGNMENT,
    isNew: true,
    join: respond,
    sync: undefined,
  };
}

/** Applies the new JoinGroup, whose response waits. */
export function updateMember(turn: ClassicTurn, member: Member, command: JoinCommand, respond: RespondToJoin): void {
  // The client has given up on an earlier JoinGroup of the same member.
  turn.respondToJoin(member, failedJoin(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
  Object.assign(member, requestedBy(command), { join: respond });
}

export function sameProtocols(member: Member, protocols: readonly GroupProtocol[]): boolean {
  return (
    member.protocols.length === protocols.length &&
    member.protocols.every((known, at) => {
      const now = protocols[at];
      return now?.name === known.name && now.metadata.equals(known.metadata);
    })
  );
}

/** Copies the bytes: those of the request may be in a buffer that is reused. */
const requestedBy = (command: JoinCommand) => ({
  sessionTimeoutMs: command.sessionTimeoutMs,
  rebalanceTimeoutMs: command.rebalanceTimeoutMs < 0 ? command.sessionTimeoutMs : command.rebalanceTimeoutMs,
  protocols: command.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
});
