// DescribeDelegationToken, versions 1 to 3 (KIP-48, KIP-373): tokens with their secrets. A client sees those that it owns, may renew
// or has created, and those that it has a right to: DESCRIBE on the token, or DESCRIBE_TOKENS on their owner. Expired ones are left out.
import { ErrorCode } from '@milepost/core';
import { type DelegationToken } from '@milepost/metadata';
import { parsePrincipal, type Principal, principalName } from '@milepost/security';
import { DescribeDelegationToken } from '@milepost/wire';
import { TOKENS_DISABLED } from '../admin/token-decisions.ts';
import { isExpired, isOfKey, isOf, tokenHmac } from '../security/delegation-tokens.ts';
import { DESCRIBE_TOKEN, DESCRIBE_TOKENS_OF_USER } from '../security/needs.ts';
import type { Context } from '../services.ts';
import { refusalOfTokens } from './token-refusal.ts';
import { handler } from './handler.ts';

export const describeDelegationToken = handler(
  DescribeDelegationToken,
  [DESCRIBE_TOKEN, DESCRIBE_TOKENS_OF_USER],
  ({ owners }, context) => {
    const { services, count } = context;
    const { settings } = services.controller.tokens;
    const refused = refusalOfTokens(context) ?? (settings ? undefined : TOKENS_DISABLED);
    if (refused || !settings) {
      const { error } = refused ?? TOKENS_DISABLED;
      count(error);
      return { errorCode: error, tokens: [] };
    }
    const wanted = owners?.map(({ principalType: type, principalName: name }) => principalName({ type, name }));
    const nowMs = services.host.clock.now();
    const tokens = [...services.image().delegationTokens.values()].filter(
      (token) =>
        (!wanted || wanted.some((one) => isOf(token, one))) &&
        !isExpired(token, nowMs) &&
        isVisible(token, context) &&
        isOfKey(settings, token),
    );
    return {
      errorCode: ErrorCode.NONE,
      tokens: tokens.map((token) => {
        const [owner, requester] = [principalOf(token.owner), principalOf(token.requester)];
        return {
          principalType: owner.type,
          principalName: owner.name,
          tokenRequesterPrincipalType: requester.type,
          tokenRequesterPrincipalName: requester.name,
          issueTimestamp: token.issuedAtMs,
          expiryTimestamp: token.expiresAtMs,
          maxTimestamp: token.endsAtMs,
          tokenId: token.id,
          hmac: tokenHmac(settings, token.id),
          renewers: token.renewers.map(principalOf).map(({ type, name }) => ({
            principalType: type,
            principalName: name,
          })),
        };
      }),
    };
  },
);

const isVisible = (token: DelegationToken, { peer, permissions }: Context): boolean =>
  isOf(token, principalName(peer.session.principal)) ||
  permissions.allows(DESCRIBE_TOKEN, token.id) ||
  permissions.allows(DESCRIBE_TOKENS_OF_USER, token.owner);

const principalOf = (text: string): Principal => parsePrincipal(text) ?? { type: text, name: '' };
