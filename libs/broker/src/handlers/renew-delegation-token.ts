// RenewDelegationToken, versions 1 and 2 (KIP-48). Extends a token, by its owner or a renewer, up to its maximum lifetime.
import { ErrorCode } from '@milepost/core';
import { principalName } from '@milepost/security';
import { RenewDelegationToken } from '@milepost/wire';
import { NO_NEEDS } from '../security/needs.ts';
import { refusalOfTokens } from './token-refusal.ts';
import { handler } from './handler.ts';

export const renewDelegationToken = handler(
  RenewDelegationToken,
  NO_NEEDS,
  async ({ hmac, renewPeriodMs: periodMs }, context) => {
    const by = principalName(context.peer.session.principal);
    const refused = refusalOfTokens(context);
    const outcome = refused ?? (await context.services.controller.tokens.renew({ hmac, periodMs, by }));
    if (!('error' in outcome)) return { errorCode: ErrorCode.NONE, expiryTimestampMs: outcome.expiresAtMs };
    context.count(outcome.error);
    return { errorCode: outcome.error, expiryTimestampMs: refused ? -1 : 0 };
  },
);
