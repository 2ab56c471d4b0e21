// The secrets of delegation tokens (KIP-48), and which clients may ask for tokens.
//
// A token's secret is the HMAC of its id under delegation.token.secret.key, so that every broker with the key knows it and the
// database does not. With another key, the tokens of the earlier one are unknown.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type BrokerConfigLayers, brokerNumber, brokerValue, type DelegationToken } from '@milepost/metadata';
import { ANONYMOUS, type Principal, principalName } from '@milepost/security';
import type { SecurityProtocol } from './listeners.ts';

export interface TokenSettings {
  /** delegation.token.secret.key */
  readonly secretKey: string;
  /** delegation.token.max.lifetime.ms */
  readonly maxLifetimeMs: number;
  /** delegation.token.expiry.time.ms */
  readonly expiryTimeMs: number;
  /** delegation.token.expiry.check.interval.ms */
  readonly checkIntervalMs: number;
}

/** Undefined: there are no delegation tokens. */
export function tokenSettings(layers: BrokerConfigLayers): TokenSettings | undefined {
  const secretKey = brokerValue(layers, 'delegation.token.secret.key');
  if (!secretKey) return undefined;
  return {
    secretKey,
    maxLifetimeMs: brokerNumber(layers, 'delegation.token.max.lifetime.ms'),
    expiryTimeMs: brokerNumber(layers, 'delegation.token.expiry.time.ms'),
    checkIntervalMs: brokerNumber(layers, 'delegation.token.expiry.check.interval.ms'),
  };
}

type Key = Pick<TokenSettings, 'secretKey'>;

/** The secret of a token. Its base64 text is the password of logins. */
export const tokenHmac = ({ secretKey }: Key, id: string): Buffer =>
  createHmac('sha512', secretKey).update(id).digest();

export const digestOf = (hmac: Buffer): string => createHash('sha256').update(hmac).digest('base64');

/** Whether the token was made with this key. */
export const isOfKey = (key: Key, { id, digest }: DelegationToken): boolean => digestOf(tokenHmac(key, id)) === digest;

/** The token of the secret. */
export function tokenOf(
  key: Key,
  tokens: ReadonlyMap<string, DelegationToken>,
  hmac: Buffer,
): DelegationToken | undefined {
  const digest = digestOf(hmac);
  for (const token of tokens.values()) {
    if (token.digest !== digest) continue;
    const own = tokenHmac(key, token.id);
    return own.length === hmac.length && timingSafeEqual(own, hmac) ? token : undefined;
  }
  return undefined;
}

export const isExpired = ({ expiresAtMs, endsAtMs }: DelegationToken, nowMs: number): boolean =>
  Math.min(expiresAtMs, endsAtMs) < nowMs;

export const mayRenew = ({ owner, renewers }: DelegationToken, principal: string): boolean =>
  owner === principal || renewers.includes(principal);

/** Of its owner, its renewers and who created it. */
export const isOf = (token: DelegationToken, principal: string): boolean =>
  token.requester === principal || mayRenew(token, principal);

/** As in Kafka: not on a channel where anybody could be the client, and not by a token. */
export function mayUseTokens(
  protocol: SecurityProtocol,
  { principal, isByToken }: { readonly principal: Principal; readonly isByToken: boolean },
): boolean {
  if (isByToken || protocol === 'PLAINTEXT') return false;
  return protocol !== 'SSL' || principalName(principal) !== principalName(ANONYMOUS);
}
