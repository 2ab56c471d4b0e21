// DescribeUserScramCredentials, version 0: the mechanisms and iterations of users, never their keys (KIP-554). No names
// request all users. A user without credentials is RESOURCE_NOT_FOUND; one that is named twice DUPLICATE_RESOURCE.
import { ErrorCode } from '@milepost/core';
import type { ScramCredentials } from '@milepost/metadata';
import { DescribeUserScramCredentials, type DescribeUserScramCredentialsResponse } from '@milepost/wire';
import { mechanismTypes } from '../admin/scram-decisions.ts';
import { DESCRIBE_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';
import { namedTwice } from './named-twice.ts';

type Described = DescribeUserScramCredentialsResponse['results'][number];

export const describeUserScramCredentials = handler(
  DescribeUserScramCredentials,
  [DESCRIBE_CLUSTER],
  ({ users }, context) => {
    const { services, permissions, count } = context;
    const unauthorized = permissions.refusal(DESCRIBE_CLUSTER);
    if (unauthorized) {
      count(unauthorized.error);
      const { error: errorCode, message: errorMessage } = unauthorized;
      const results = (users ?? []).map(({ name: user }) => ({ user, errorCode, errorMessage, credentialInfos: [] }));
      return { errorCode, errorMessage, results };
    }
    const { scramUsers } = services.image();
    const names = users?.map(({ name }) => name) ?? [];
    const twice = namedTwice(names);
    const refused = (user: string, errorCode: ErrorCode, errorMessage: string): Described => {
      count(errorCode);
      return { user, errorCode, errorMessage, credentialInfos: [] };
    };
    const described = (user: string): Described => {
      const credentials = scramUsers.get(user);
      if (twice.has(user))
        return refused(
          user,
          ErrorCode.DUPLICATE_RESOURCE,
          `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`,
        );
      if (!credentials)
        return refused(
          user,
          ErrorCode.RESOURCE_NOT_FOUND,
          `Attempt to describe a user credential that does not exist: ${user}`,
        );
      return { user, errorCode: ErrorCode.NONE, errorMessage: null, credentialInfos: infosOf(credentials) };
    };
    const asked = names.length === 0 ? [...scramUsers.keys()] : [...new Set(names)];
    return { errorCode: ErrorCode.NONE, results: asked.map(described) };
  },
);

const infosOf = (credentials: ScramCredentials): Described['credentialInfos'] =>
  mechanismTypes.flatMap(({ name, type }) => {
    const credential = credentials[name];
    return credential ? [{ mechanism: type, iterations: credential.iterations }] : [];
  });
