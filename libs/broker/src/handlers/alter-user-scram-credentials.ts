// AlterUserScramCredentials, version 0: sets and removes credentials of users (KIP-554), each user with its own result.
// The broker stores keys that are derived from the salted password, never the salted password itself.
import { ErrorCode } from '@milepost/core';
import { AlterUserScramCredentials } from '@milepost/wire';
import { handler } from './handler.ts';

export const alterUserScramCredentials = handler(AlterUserScramCredentials, async (request, { services, count }) => {
  const outcomes = await services.controller.users.alter(request);
  return {
    results: [...outcomes].map(([user, refused]) => {
      if (refused) count(refused.error);
      return { user, errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
    }),
  };
});
