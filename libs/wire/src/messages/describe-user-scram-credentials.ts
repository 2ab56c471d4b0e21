// The users with SCRAM credentials, by mechanism; never the credentials (KIP-554). Null users mean all. Flexible from
// the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, int32, int8, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const DescribeUserScramCredentials = api({
  key: 50,
  name: 'DescribeUserScramCredentials',
  versions: [0, 0],
  flexible: 0,
  request: { users: array({ name: string }).nullable() },
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: nullableString,
    results: array({
      user: string,
      errorCode,
      errorMessage: nullableString,
      credentialInfos: array({ mechanism: int8, iterations: int32 }),
    }),
  },
});
export type DescribeUserScramCredentialsRequest = RequestOf<typeof DescribeUserScramCredentials>;
export type DescribeUserScramCredentialsResponse = ResponseOf<typeof DescribeUserScramCredentials>;
