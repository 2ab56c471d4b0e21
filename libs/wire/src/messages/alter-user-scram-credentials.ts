// Sets and removes the SCRAM credentials of users (KIP-554). The client derives the key from the password: the password
// itself is never sent. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bytes, errorCode, int32, int8, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const AlterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: {
    deletions: array({ name: string, mechanism: int8 }),
    upsertions: array({ name: string, mechanism: int8, iterations: int32, salt: bytes, saltedPassword: bytes }),
  },
  response: { throttleTimeMs, results: array({ user: string, errorCode, errorMessage: nullableString }) },
});
export type AlterUserScramCredentialsRequest = RequestOf<typeof AlterUserScramCredentials>;
export type AlterUserScramCredentialsResponse = ResponseOf<typeof AlterUserScramCredentials>;
