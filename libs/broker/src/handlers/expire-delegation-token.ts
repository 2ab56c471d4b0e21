// ExpireDelegationToken, versions 1 and 2 (KIP-48). Sets when a token ends, by its owner or a renewer; a period below 0 removes it.
import { ErrorCode } from '@milepost/core';
import { principalName } from '@milepost/security';
import { ExpireDelegationToken } from '@milepost/wire';
import { NO_NEEDS } from '../security/needs.ts';
import { refusalOfTokens } from './token-refusal.ts';
import { handler } from './handler.ts';

export const expireDelegationToken = handler(
  ExpireDelegationToken,
  NO_NEEDS,
  async ({ hmac, expiryTimePeriodMs: periodMs }, context) => {
    const by = principalName(context.peer.session.principal);
    const refused = refusalOfTokens(context);
    const outcome = refused ?? (await context.services.controller.tokens.expire({ hmac, periodMs, by }));
    if (!('error' in outcome)) return { errorCode: ErrorCode.NONE, expiryTimestampMs: outcome.expiresAtMs };
    context.count(outcome.error);
    return { errorCode: outcome.error, expiryTimestampMs: refused ? -1 : 0 };
  },
);
