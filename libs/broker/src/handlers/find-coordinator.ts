// FindCoordinator, versions 0 to 6: this broker coordinates every group and every transaction. Their state is in the stores;
// the topics __consumer_offsets and __transaction_state, which echo them, are created at the first request, and the response
// does not wait for them. Share groups and unknown kinds of key: INVALID_REQUEST.
import { ErrorCode, NO_BROKER } from '@milepost/core';
import { CoordinatorType, FindCoordinator } from '@milepost/wire';
import type { Context, Services } from '../services.ts';
import { handler } from './handler.ts';

const NOWHERE = { nodeId: NO_BROKER, host: '', port: -1 };

const FIRST_VERSION_WITH_MANY_KEYS = 4;

export const findCoordinator = handler(FindCoordinator, ({ keyType, coordinatorKeys }, context) => {
  if (context.apiVersion < FIRST_VERSION_WITH_MANY_KEYS) return { ...find(keyType, context), coordinators: [] };
  return {
    errorCode: ErrorCode.NONE,
    ...NOWHERE,
    coordinators: coordinatorKeys.map((one) => ({ key: one, ...find(keyType, context) })),
  };
});

function find(keyType: number, { services, count }: Context) {
  const refuse = (errorCode: ErrorCode, errorMessage: string) => {
    count(errorCode);
    return { errorCode, errorMessage, ...NOWHERE };
  };
  const topic = topicOf(keyType, services);
  if (!topic) return refuse(ErrorCode.INVALID_REQUEST, `key type ${keyType}: expected ${EXPECTED}`);
  const broker = services.image().brokers.get(services.config.brokerId);
  if (!broker) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the coordinator is starting');
  topic.ensure(services.image(), services.controller.topics);
  return { errorCode: ErrorCode.NONE, nodeId: broker.id, host: broker.host, port: broker.port };
}

const EXPECTED = `${CoordinatorType.GROUP} (group) or ${CoordinatorType.TRANSACTION} (transaction)`;

function topicOf(
  keyType: number,
  { offsetsTopic, transactionStateTopic }: Services,
): Services['offsetsTopic'] | undefined {
  switch (keyType) {
    case CoordinatorType.GROUP:
      return offsetsTopic;
    case CoordinatorType.TRANSACTION:
      return transactionStateTopic;
    default:
      return undefined;
  }
}
