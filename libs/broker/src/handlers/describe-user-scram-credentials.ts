// DescribeUserScramCredentials, version 0: no user has any, as there is no authentication. A user that is named is
// RESOURCE_NOT_FOUND; one that is named twice DUPLICATE_RESOURCE.
import { ErrorCode } from '@milepost/core';
import { DescribeUserScramCredentials } from '@milepost/wire';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

export const describeUserScramCredentials = handler(DescribeUserScramCredentials, ({ users }, { count }) => {
  const names = users?.map(({ name }) => name) ?? [];
  const twice = namedTwice(names);
  return {
    errorCode: ErrorCode.NONE,
    results: [...new Set(names)].map((user) => {
      const errorCode = twice.has(user) ? ErrorCode.DUPLICATE_RESOURCE : ErrorCode.RESOURCE_NOT_FOUND;
      count(errorCode);
      return { user, errorCode, errorMessage: `user ${user} has no SCRAM credentials`, credentialInfos: [] };
    }),
  };
});
