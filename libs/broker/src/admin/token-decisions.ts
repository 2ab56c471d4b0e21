// Decides about delegation tokens, after Kafka's DelegationTokenControlManager. Pure.
import { ErrorCode } from '@milepost/core';
import type { ClusterImage, DelegationToken, MetadataChange } from '@milepost/metadata';
import { type Refusal, refusal } from '../refusal.ts';
import { isExpired, mayRenew, tokenOf, type TokenSettings } from '../security/delegation-tokens.ts';

/** Of one owner; Kafka has no limit. They are in every broker's memory. */
export const MOST_TOKENS_OF_AN_OWNER = 1_000;
/** Removed in one commit, as in Kafka. */
const MOST_REMOVED = 1_000;

type Tokens = Pick<ClusterImage, 'delegationTokens'>;

export interface TokenDecision {
  readonly changes: readonly MetadataChange[];
  readonly outcome: Refusal | DelegationToken;
}

/** When a token expires that is created or renewed now. A period that is not above 0 is the longest. */
export const expiryOf = (nowMs: number, periodMs: bigint, longestMs: number, endsAtMs: number): number =>
  Math.min(endsAtMs, nowMs + (periodMs > 0n ? Math.min(Number(periodMs), longestMs) : longestMs));

export function decideCreation({ delegationTokens }: Tokens, token: DelegationToken): TokenDecision {
  const own = [...delegationTokens.values()].filter(({ owner }) => owner === token.owner);
  const outcome = own.length < MOST_TOKENS_OF_AN_OWNER ? token : TOO_MANY;
  return { changes: outcome === token ? [{ type: 'delegation-token-set', token }] : [], outcome };
}

export interface Renewal {
  readonly hmac: Buffer;
  readonly periodMs: bigint;
  /** `User:alice` */
  readonly by: string;
  readonly nowMs: number;
}

export function decideRenewal(
  { delegationTokens }: Tokens,
  { hmac, periodMs, by, nowMs }: Renewal,
  settings: TokenSettings,
): TokenDecision {
  const token = tokenOf(settings, delegationTokens, hmac);
  if (!token) return refused(NOT_FOUND);
  if (isExpired(token, nowMs)) return refused(EXPIRED);
  if (!mayRenew(token, by)) return refused(OWNER_MISMATCH);
  return changed({ ...token, expiresAtMs: expiryOf(nowMs, periodMs, settings.expiryTimeMs, token.endsAtMs) });
}

/** A period below 0 removes the token, also an expired one. */
export function decideExpiry(
  { delegationTokens }: Tokens,
  { hmac, periodMs, by, nowMs }: Renewal,
  settings: TokenSettings,
): TokenDecision {
  const token = tokenOf(settings, delegationTokens, hmac);
  if (!token) return refused(NOT_FOUND);
  if (!mayRenew(token, by)) return refused(OWNER_MISMATCH);
  if (periodMs < 0n) return { changes: [removalOf(token)], outcome: { ...token, expiresAtMs: nowMs } };
  if (isExpired(token, nowMs)) return refused(EXPIRED);
  return changed({ ...token, expiresAtMs: Math.min(token.endsAtMs, nowMs + Number(periodMs)) });
}

export const expiredTokens = ({ delegationTokens }: Tokens, nowMs: number): MetadataChange[] =>
  [...delegationTokens.values()]
    .filter((token) => isExpired(token, nowMs))
    .slice(0, MOST_REMOVED)
    .map(removalOf);

const removalOf = ({ id }: DelegationToken): MetadataChange => ({ type: 'delegation-token-removed', id });

const changed = (token: DelegationToken): TokenDecision => ({
  changes: [{ type: 'delegation-token-set', token }],
  outcome: token,
});

const refused = (outcome: Refusal): TokenDecision => ({ changes: [], outcome });

export const TOKENS_DISABLED = refusal(
  ErrorCode.DELEGATION_TOKEN_AUTH_DISABLED,
  'Delegation Token feature is not enabled.',
);
const NOT_FOUND = refusal(ErrorCode.DELEGATION_TOKEN_NOT_FOUND, 'Delegation Token is not found on server.');
const EXPIRED = refusal(ErrorCode.DELEGATION_TOKEN_EXPIRED, 'Delegation Token is expired.');
const OWNER_MISMATCH = refusal(
  ErrorCode.DELEGATION_TOKEN_OWNER_MISMATCH,
  'Specified Principal is not valid Owner/Renewer.',
);
const TOO_MANY = refusal(
  ErrorCode.POLICY_VIOLATION,
  `expected at most ${MOST_TOKENS_OF_AN_OWNER} tokens of an owner: expire some first`,
);
