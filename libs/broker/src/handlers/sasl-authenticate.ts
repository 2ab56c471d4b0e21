// SaslAuthenticate, versions 0 to 2: one token of the exchange that SaslHandshake began. A refused client receives
// SASL_AUTHENTICATION_FAILED after connection.failed.authentication.delay.ms, and the connection is closed. Without an
// exchange under way it is ILLEGAL_SASL_STATE.
import { ErrorCode } from '@milepost/core';
import { SaslAuthenticate } from '@milepost/wire';
import { NO_NEEDS } from '../security/needs.ts';
import { handler } from './handler.ts';

export const saslAuthenticate = handler(
  SaslAuthenticate,
  NO_NEEDS,
  async ({ authBytes }, { peer, count, closeAfter }) => {
    const outcome = await peer.session.authenticate(authBytes);
    if (!outcome) {
      count(ErrorCode.ILLEGAL_SASL_STATE);
      const errorMessage = 'SaslAuthenticate request received after successful authentication';
      return { errorCode: ErrorCode.ILLEGAL_SASL_STATE, errorMessage };
    }
    if ('refused' in outcome) {
      count(ErrorCode.SASL_AUTHENTICATION_FAILED);
      closeAfter();
      return { errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED, errorMessage: outcome.refused };
    }
    const { response, sessionLifetimeMs } = outcome;
    return { errorCode: ErrorCode.NONE, errorMessage: null, authBytes: response, sessionLifetimeMs };
  },
);
