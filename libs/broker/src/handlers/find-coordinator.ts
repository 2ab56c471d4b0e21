// FindCoordinator, versions 0 to 6: a group is coordinated by the leader of its partition of `__consumer_offsets`, a
// transactional id by that of its partition of `__transaction_state`. The topic is created at the first request; until it is
// there, and while the partition has no leader, the error is COORDINATOR_NOT_AVAILABLE, after which clients retry. A broker
// that is alone coordinates everything without it. Share groups and unknown kinds of key: INVALID_REQUEST.
import { ErrorCode, NO_BROKER } from '@milepost/core';
import { OFFSETS_TOPIC, TRANSACTION_STATE_TOPIC } from '@milepost/metadata';
import { CoordinatorType, FindCoordinator } from '@milepost/wire';
import { addressOf } from '../access.ts';
import { coordinatorOf } from '../groups/led-shards.ts';
import type { Context, Services } from '../services.ts';
import { DESCRIBE_GROUP, DESCRIBE_TRANSACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

const NOWHERE = { nodeId: NO_BROKER, host: '', port: -1 };

const FIRST_VERSION_WITH_MANY_KEYS = 4;

export const findCoordinator = handler(
  FindCoordinator,
  [DESCRIBE_GROUP, DESCRIBE_TRANSACTION],
  ({ keyType, key, coordinatorKeys }, context) => {
    if (context.apiVersion < FIRST_VERSION_WITH_MANY_KEYS) return { ...find(keyType, key, context), coordinators: [] };
    return {
      errorCode: ErrorCode.NONE,
      ...NOWHERE,
      coordinators: coordinatorKeys.map((one) => ({ key: one, ...find(keyType, one, context) })),
    };
  },
);

function find(keyType: number, key: string, context: Context) {
  const { services, permissions, count } = context;
  const refuse = (errorCode: ErrorCode, errorMessage: string) => {
    count(errorCode);
    return { errorCode, errorMessage, ...NOWHERE };
  };
  const kind = kindOf(keyType, services);
  if (!kind) return refuse(ErrorCode.INVALID_REQUEST, `key type ${keyType}: expected ${EXPECTED}`);
  const refused = permissions.refusal(keyType === CoordinatorType.GROUP ? DESCRIBE_GROUP : DESCRIBE_TRANSACTION, key);
  if (refused) return refuse(refused.error, refused.message);
  const image = services.image();
  kind.topic.ensure(image, services.controller.topics);
  const id = coordinatorOf(image, kind.topicName, kind.coordinator.shardOf(key))?.id;
  const broker = id === undefined ? undefined : image.brokers.get(id);
  if (!broker || broker.isFenced)
    return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, `the partition of ${kind.topicName} has no leader now`);
  return { errorCode: ErrorCode.NONE, nodeId: broker.id, ...addressOf(context, broker) };
}

const EXPECTED = `${CoordinatorType.GROUP} (group) or ${CoordinatorType.TRANSACTION} (transaction)`;

interface CoordinatorKind {
  readonly topicName: string;
  readonly topic: Services['offsetsTopic'];
  readonly coordinator: { shardOf(key: string): number };
}

function kindOf(keyType: number, services: Services): CoordinatorKind | undefined {
  switch (keyType) {
    case CoordinatorType.GROUP:
      return { topicName: OFFSETS_TOPIC, topic: services.offsetsTopic, coordinator: services.groups };
    case CoordinatorType.TRANSACTION:
      return {
        topicName: TRANSACTION_STATE_TOPIC,
        topic: services.transactionStateTopic,
        coordinator: services.transactions,
      };
    default:
      return undefined;
  }
}
