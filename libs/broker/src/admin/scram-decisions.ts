// Decides changes of SCRAM credentials, after Kafka's ScramControlManager: a user is altered once in a request, and what is
// wrong with one user stops no other. Pure.
import { ErrorCode } from '@milepost/core';
import type { ClusterImage, MetadataChange, ScramCredentials } from '@milepost/metadata';
import { credentialOf, LEAST_ITERATIONS, MOST_ITERATIONS, type ScramMechanism } from '@milepost/security';
import { type Refusal, refusal } from '../refusal.ts';
import { encoded } from '../security/credentials.ts';

/** The mechanisms with their numbers in the protocol. */
export const mechanismTypes: readonly { readonly name: ScramMechanism; readonly type: number }[] = [
  { name: 'SCRAM-SHA-256', type: 1 },
  { name: 'SCRAM-SHA-512', type: 2 },
];

interface Deletion {
  readonly name: string;
  readonly mechanism: number;
}

interface Upsertion extends Deletion {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

export interface ScramWishes {
  readonly deletions: readonly Deletion[];
  readonly upsertions: readonly Upsertion[];
}

type Decided = Extract<MetadataChange, { type: 'scram-user-set' }>;

/** A change or a refusal for each user. */
export function decideScram(
  { scramUsers }: Pick<ClusterImage, 'scramUsers'>,
  { deletions, upsertions }: ScramWishes,
): Map<string, Decided | Refusal> {
  const outcomes = new Map<string, Decided | Refusal>();
  const decide = (
    wish: Deletion,
    decision: (mechanism: ScramMechanism, before: ScramCredentials) => ScramCredentials | Refusal,
  ) => {
    const { name } = wish;
    const earlier = outcomes.get(name);
    if (earlier) {
      if ('type' in earlier) outcomes.set(name, ALTERED_TWICE);
      return;
    }
    const mechanism = mechanismTypes.find(({ type }) => type === wish.mechanism)?.name;
    if (name === '') outcomes.set(name, NO_NAME);
    else if (!mechanism) outcomes.set(name, UNKNOWN_MECHANISM);
    else {
      const decided = decision(mechanism, scramUsers.get(name) ?? {});
      outcomes.set(name, 'error' in decided ? decided : { type: 'scram-user-set', name, credentials: decided });
    }
  };
  for (const deletion of deletions)
    decide(deletion, (mechanism, before) => {
      const { [mechanism]: removed, ...others } = before;
      return removed ? others : NOT_THERE;
    });
  for (const upsertion of upsertions)
    decide(upsertion, (mechanism, before) => {
      const { iterations, salt, saltedPassword } = upsertion;
      if (iterations < LEAST_ITERATIONS) return refusal(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too few iterations');
      if (iterations > MOST_ITERATIONS) return refusal(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Too many iterations');
      return { ...before, [mechanism]: encoded(credentialOf(mechanism, saltedPassword, { salt, iterations })) };
    });
  return outcomes;
}

const ALTERED_TWICE = refusal(
  ErrorCode.DUPLICATE_RESOURCE,
  'A user credential cannot be altered twice in the same request',
);
const NO_NAME = refusal(ErrorCode.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty');
const UNKNOWN_MECHANISM = refusal(ErrorCode.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
const NOT_THERE = refusal(ErrorCode.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist');
