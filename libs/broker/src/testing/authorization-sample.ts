// A request that has a need of its handler, and what tells whether the response allows it.
import { ErrorCode } from '@milepost/core';
import type { AnyApi, RequestInput, ResponseOutput } from '@milepost/wire';
import type { Need } from '../security/needs.ts';

/** What is there when a row's request is sent. */
export interface World {
  readonly topic: string;
  /** Of `topic`; undefined if it does not exist. */
  readonly topicId: string | undefined;
  /** Members read `topic`. */
  readonly consumerGroup: string;
  /** A member reads `topic`. Its next acknowledgement as `owner` has the epoch 1. */
  readonly shareGroup: string;
  /** A transaction of `topic` is open. */
  readonly openTransaction: string;
  /** A user with a delegation token. */
  readonly tokenOwner: string;
}

export interface Sample {
  readonly api: AnyApi;
  readonly version: number;
  readonly title: string;
  /** Each of them is needed. */
  readonly needs: readonly Need[];
  /** One of them is needed too. */
  readonly oneOf: readonly Need[];
  /** Whether the response differs for a topic that does not exist. */
  readonly namesTopic: boolean;
  /** The request deletes the topic. */
  readonly consumesTopic: boolean;
  body(world: World): object;
  /** A refusal is no error code: `isAllowed` looks for what the request is about. */
  readonly showsResult: boolean;
  isAllowed(response: object, world: World): boolean;
}

interface Row<A extends AnyApi> {
  readonly needs?: readonly Need[];
  readonly oneOf?: readonly Need[];
  readonly title?: string;
  readonly consumesTopic?: boolean;
  readonly body: (world: World) => RequestInput<A>;
  /** Where a refusal is no error code: whether the response shows what it is about. */
  readonly shows?: (response: ResponseOutput<A>, world: World) => boolean;
}

export function sample<A extends AnyApi>(api: A, version: number, row: Row<A>): Sample {
  const { needs: all = [], oneOf = [], title = '', consumesTopic = false, shows } = row;
  return {
    api,
    version,
    title: `${api.name} v${version}${title && `, ${title}`}`,
    needs: all,
    oneOf,
    consumesTopic,
    namesTopic: JSON.stringify(row.body(PLACEHOLDERS), withoutBigInt).includes(PLACEHOLDERS.topic),
    body: row.body as Sample['body'],
    showsResult: shows !== undefined,
    isAllowed: shows ? (shows as Sample['isAllowed']) : (response) => !isRefused(response),
  };
}

const PLACEHOLDERS: World = {
  topic: '<topic>',
  topicId: undefined,
  consumerGroup: '',
  shareGroup: '',
  openTransaction: '',
  tokenOwner: '',
};
const withoutBigInt = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

const AUTHORIZATION_ERRORS: ReadonlySet<unknown> = new Set([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
]);

/** Whether any error code in the response says that the client is not authorized. */
function isRefused(response: unknown): boolean {
  if (typeof response !== 'object' || response === null || Buffer.isBuffer(response)) return false;
  return Object.entries(response).some(
    ([field, value]) => (/error_?code$/i.test(field) && AUTHORIZATION_ERRORS.has(value)) || isRefused(value),
  );
}
