// What the client of one request may do (Kafka's AuthHelper). Without an authorizer everything is allowed.
//
// Promises: a handler checks only what it has declared; anything else is a bug that fails in every test, with or without an
// authorizer. So the declarations are complete, and the table of authorization.test.ts is generated from them.
import { ErrorCode, invariant } from '@milepost/core';
import { AclOperation, type Authorizer, type Client, CLUSTER_NAME, ResourceType } from '@milepost/security';
import { type Refusal, refusal } from '../refusal.ts';
import type { Need } from './needs.ts';

/** An authorizer and the client whose request it judges. */
export interface Judged {
  readonly authorizer: Authorizer;
  readonly client: Client;
  /** Called for each refusal that the client is told. */
  readonly denied: (need: Need, name: string) => void;
}

export class Permissions {
  readonly #declared: readonly Need[];
  readonly #judged: Judged | undefined;

  /** `judged` undefined: there is no authorizer. */
  constructor(declared: readonly Need[], judged: Judged | undefined) {
    this.#declared = declared;
    this.#judged = judged;
  }

  /** For what is left out of a response without an error; others use `refusal`. */
  allows(need: Need, name: string = CLUSTER_NAME): boolean {
    invariant(this.#declared.includes(need), () => `the handler does not declare ${needText(need)}`);
    if (!this.#judged) return true;
    const { authorizer, client } = this.#judged;
    return authorizer.isAllowed(client, need.operation, need.on, name);
  }

  /** Undefined: the client may do it. Without a name: on the cluster. */
  refusal(need: Need, name: string = CLUSTER_NAME): Refusal | undefined {
    if (this.allows(need, name)) return undefined;
    this.#judged?.denied(need, name);
    return REFUSALS.get(need.on);
  }

  /** Whether the client may do it on at least one resource of the type (KIP-679). */
  allowsOnAny(need: Need): boolean {
    invariant(this.#declared.includes(need), () => `the handler does not declare ${needText(need)}`);
    if (!this.#judged) return true;
    const { authorizer, client } = this.#judged;
    return authorizer.isAllowedOnAny(client, need.operation, need.on);
  }

  /** A bit for each operation that the client may perform on the resource (KIP-430). */
  operationsOn(type: ResourceType, name: string): number {
    let bits = 0;
    for (const operation of OPERATIONS_ON.get(type) ?? [])
      if (!this.#judged || this.#judged.authorizer.isAllowed(this.#judged.client, operation, type, name))
        bits |= 1 << operation;
    return bits;
  }
}

const { TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN, USER } = ResourceType;

const NO_TOKENS = refusal(ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED, 'Delegation Token authorization failed.');

/** As Kafka's Errors word it. */
const REFUSALS: ReadonlyMap<ResourceType, Refusal> = new Map([
  [TOPIC, refusal(ErrorCode.TOPIC_AUTHORIZATION_FAILED, 'Topic authorization failed.')],
  [GROUP, refusal(ErrorCode.GROUP_AUTHORIZATION_FAILED, 'Group authorization failed.')],
  [CLUSTER, refusal(ErrorCode.CLUSTER_AUTHORIZATION_FAILED, 'Cluster authorization failed.')],
  [
    TRANSACTIONAL_ID,
    refusal(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, 'Transactional Id authorization failed.'),
  ],
  [DELEGATION_TOKEN, NO_TOKENS],
  [USER, NO_TOKENS],
]);

const { READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE } = AclOperation;
const { CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE } = AclOperation;

/** Of resources that are described with their operations (Kafka's AclEntry.supportedOperations). */
const OPERATIONS_ON: ReadonlyMap<ResourceType, readonly AclOperation[]> = new Map<
  ResourceType,
  readonly AclOperation[]
>([
  [TOPIC, [READ, WRITE, CREATE, DESCRIBE, DELETE, ALTER, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [GROUP, [READ, DESCRIBE, DELETE, DESCRIBE_CONFIGS, ALTER_CONFIGS]],
  [CLUSTER, [CREATE, CLUSTER_ACTION, DESCRIBE_CONFIGS, ALTER_CONFIGS, IDEMPOTENT_WRITE, ALTER, DESCRIBE]],
]);

const nameOf = (codes: Readonly<Record<string, number>>, code: number): string =>
  Object.keys(codes).find((name) => codes[name] === code) ?? String(code);

/** `READ on TOPIC` */
export const needText = ({ operation, on }: Need): string =>
  `${nameOf(AclOperation, operation)} on ${nameOf(ResourceType, on)}`;
