// The broker that coordinates a group, a transactional id or a share group's partition. v1 names the kind of key, v3 is
// flexible, v4 takes many keys (KIP-699), v5 has TRANSACTION_ABORTABLE, v6 share groups (KIP-932).
// Up to v3 there is one key, with its result at the top level; from v4 a list of both. A handler may fill in both
// forms.
// Without an error Kafka's message is "NONE" up to v3 and empty from v4 on.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, brokerId, errorCode, int8, int32, string } from '../schema/field.ts';
import { emptyMessage, throttleTimeMs } from './parts.ts';

export const CoordinatorType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const;

export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexible: 3,
  request: {
    key: string.until(3),
    keyType: int8.default(CoordinatorType.GROUP).since(1),
    coordinatorKeys: array(string).since(4),
  },
  response: {
    throttleTimeMs: throttleTimeMs.since(1),
    errorCode: errorCode.until(3),
    errorMessage: emptyMessage.since(1).until(3),
    nodeId: brokerId.until(3),
    host: string.until(3),
    port: int32.until(3),
    coordinators: array({
      key: string,
      nodeId: brokerId,
      host: string,
      port: int32,
      errorCode,
      errorMessage: emptyMessage,
    }).since(4),
  },
});
export type FindCoordinatorRequest = RequestOf<typeof FindCoordinator>;
export type FindCoordinatorResponse = ResponseOf<typeof FindCoordinator>;
