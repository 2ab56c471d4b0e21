// A member as its JoinGroup asks for it.
import { ErrorCode } from '@milepost/core';
import type { GroupProtocol, JoinCommand, JoinResult } from '../model/commands.ts';
import { type Member, NO_ASSIGNMENT } from './state.ts';
import { failedJoin, type ClassicTurn } from './turn.ts';

export type JoinAnswer = (result: JoinResult) => void;

export function newMember(memberId: string, command: JoinCommand, answer: JoinAnswer): Member {
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
    join: answer,
    sync: undefined,
  };
}

/** Takes over what the member asks for now; its JoinGroup waits. */
export function updateMember(turn: ClassicTurn, member: Member, command: JoinCommand, answer: JoinAnswer): void {
  // An earlier JoinGroup of the same member: its client has given up on it.
  turn.answerJoin(member, failedJoin(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId));
  Object.assign(member, requestedBy(command), { join: answer });
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

/** Copies: the bytes of a request may live in a buffer that is used again. */
const requestedBy = (command: JoinCommand) => ({
  sessionTimeoutMs: command.sessionTimeoutMs,
  rebalanceTimeoutMs: command.rebalanceTimeoutMs < 0 ? command.sessionTimeoutMs : command.rebalanceTimeoutMs,
  protocols: command.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
});
