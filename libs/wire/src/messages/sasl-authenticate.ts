// Carries one token of a SASL exchange and the server's response to it (KIP-152). v1 has the lifetime of the session
// (KIP-368), v2 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { bytes, errorCode, long } from '../schema/field.ts';
import { emptyByDefault, nullableString } from './parts.ts';

export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexible: 2,
  request: { authBytes: bytes },
  response: {
    errorCode,
    errorMessage: nullableString,
    authBytes: emptyByDefault,
    sessionLifetimeMs: long.default(0).since(1),
  },
});
export type SaslAuthenticateRequest = RequestOf<typeof SaslAuthenticate>;
export type SaslAuthenticateResponse = ResponseOf<typeof SaslAuthenticate>;
