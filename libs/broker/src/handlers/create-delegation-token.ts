// CreateDelegationToken, versions 1 to 3 (KIP-48, KIP-373). A client creates a token for itself, or with CREATE_TOKENS for another
// user. Never on a channel without authentication, and never by a token.
//
// Unlike Kafka, an owner that is no user is INVALID_PRINCIPAL_TYPE: whoever logs in by a token is a user, so that a right to create
// tokens of `Robot:alice` would be one to become `User:alice`.
import { ErrorCode } from '@milepost/core';
import { type Principal, principalName, userPrincipal } from '@milepost/security';
import { CreateDelegationToken } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';
import { tokenHmac } from '../security/delegation-tokens.ts';
import { CREATE_TOKENS_OF_USER } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { refusalOfTokens } from './token-refusal.ts';
import { handler } from './handler.ts';

const NO_TIME = -1;

export const createDelegationToken = handler(
  CreateDelegationToken,
  [CREATE_TOKENS_OF_USER],
  async ({ ownerPrincipalType, ownerPrincipalName, renewers, maxLifetimeMs }, context) => {
    const requester = context.peer.session.principal;
    const owner = ownerPrincipalName ? { type: ownerPrincipalType ?? '', name: ownerPrincipalName } : requester;
    const names = renewers.map(({ principalType: type, principalName: name }) => ({ type, name }));
    const answer = {
      principalType: owner.type,
      principalName: owner.name,
      tokenRequesterPrincipalType: requester.type,
      tokenRequesterPrincipalName: requester.name,
    };
    const refused = refusalOf(owner, names, context);
    const { tokens } = context.services.controller;
    const created =
      refused ??
      (await tokens.create({
        owner: principalName(owner),
        requester: principalName(requester),
        renewers: names.map(principalName),
        maxLifetimeMs,
      }));
    if ('error' in created) {
      context.count(created.error);
      const time = refused ? NO_TIME : 0;
      const times = { issueTimestampMs: time, expiryTimestampMs: time, maxTimestampMs: time };
      return { errorCode: created.error, ...answer, ...times, tokenId: '', hmac: Buffer.alloc(0) };
    }
    return {
      errorCode: ErrorCode.NONE,
      ...answer,
      issueTimestampMs: created.issuedAtMs,
      expiryTimestampMs: created.expiresAtMs,
      maxTimestampMs: created.endsAtMs,
      tokenId: created.id,
      hmac: tokens.settings ? tokenHmac(tokens.settings, created.id) : Buffer.alloc(0),
    };
  },
);

function refusalOf(owner: Principal, renewers: readonly Principal[], context: Context): Refusal | undefined {
  const refused = refusalOfTokens(context);
  if (refused) return refused;
  const own = principalName(context.peer.session.principal);
  const denied =
    principalName(owner) === own ? undefined : context.permissions.refusal(CREATE_TOKENS_OF_USER, principalName(owner));
  if (denied) return denied;
  return [owner, ...renewers].some(({ type }) => type !== USER) ? NO_USER : undefined;
}

const USER = userPrincipal('').type;
const NO_USER = refusal(ErrorCode.INVALID_PRINCIPAL_TYPE, 'Supplied principalType is not supported.');
