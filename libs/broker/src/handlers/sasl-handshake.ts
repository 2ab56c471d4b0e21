// SaslHandshake, versions 0 to 1: begins the authentication of a connection, or begins it again (KIP-368). Where none is
// possible (the listener has no SASL, or the last one was less than a second ago) it is ILLEGAL_SASL_STATE. A mechanism that
// is not enabled is UNSUPPORTED_SASL_MECHANISM with the enabled ones, and the end of the connection.
import { ErrorCode } from '@milepost/core';
import { SaslHandshake } from '@milepost/wire';
import { NO_NEEDS } from '../security/needs.ts';
import { handler } from './handler.ts';

export const saslHandshake = handler(
  SaslHandshake,
  NO_NEEDS,
  async ({ mechanism }, { apiVersion, peer, count, closeAfter }) => {
    const { session } = peer;
    const errorCode = await session.handshake(mechanism, apiVersion);
    count(errorCode);
    if (errorCode === ErrorCode.UNSUPPORTED_SASL_MECHANISM) closeAfter();
    return { errorCode, mechanisms: errorCode === ErrorCode.ILLEGAL_SASL_STATE ? [] : [...session.mechanisms] };
  },
);
