// AlterUserScramCredentials, version 0: sets and removes credentials of users (KIP-554), each user with its own result.
// The broker stores keys that are derived from the salted password, never the salted password itself.
import { ErrorCode } from '@milepost/core';
import { AlterUserScramCredentials } from '@milepost/wire';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const alterUserScramCredentials = handler(
  AlterUserScramCredentials,
  [ALTER_CLUSTER],
  async (request, context) => {
    const { services, permissions, count } = context;
    const refusedAll = permissions.refusal(ALTER_CLUSTER);
    const names = new Set([...request.deletions, ...request.upsertions].map(({ name }) => name));
    const outcomes = refusedAll
      ? new Map([...names].map((name) => [name, refusedAll]))
      : await services.controller.users.alter(request);
    return {
      results: [...outcomes].map(([user, refused]) => {
        if (refused) count(refused.error);
        return { user, errorCode: refused?.error ?? ErrorCode.NONE, errorMessage: refused?.message ?? null };
      }),
    };
  },
);
