// FindCoordinator, versions 0 to 6: this broker coordinates every group. The offsets are in the group store; the topic
// __consumer_offsets, which echoes them, is created at the first request, and the response does not wait for it. Other
// kinds of key: transactions UNSUPPORTED_VERSION (see init-producer-id.ts), share groups and unknown ones
// INVALID_REQUEST.
import { ErrorCode, NO_BROKER } from '@milepost/core';
import { CoordinatorType, FindCoordinator } from '@milepost/wire';
import type { Context } from '../services.ts';
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
  switch (keyType) {
    case CoordinatorType.GROUP: {
      const broker = services.image().brokers.get(services.config.brokerId);
      if (!broker) return refuse(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'the coordinator is starting');
      services.offsetsTopic.ensure(services.image(), services.controller.topics);
      return { errorCode: ErrorCode.NONE, nodeId: broker.id, host: broker.host, port: broker.port };
    }
    case CoordinatorType.TRANSACTION:
      return refuse(ErrorCode.UNSUPPORTED_VERSION, 'this broker does not do transactions');
    default:
      return refuse(ErrorCode.INVALID_REQUEST, `key type ${keyType}: expected ${CoordinatorType.GROUP} (group)`);
  }
}
