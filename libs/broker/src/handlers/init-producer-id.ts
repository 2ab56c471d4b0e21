// InitProducerId, versions 0 to 5. For idempotent producers: a fresh id in epoch 0, whatever id and epoch the request carries
// (Kafka ignores them without a transactional id; @platformatic/kafka sends 0/0). For a transactional id: its id, in the next
// epoch. An idempotent producer needs the right to write to any topic at all (KIP-679). One of id and epoch alone: INVALID_REQUEST. Versions before 4 do not know PRODUCER_FENCED.
import { ErrorCode } from '@milepost/core';
import { StoreUnavailable } from '@milepost/metadata';
import { InitProducerId } from '@milepost/wire';
import { IDEMPOTENT_WRITE, WRITE_TOPIC, WRITE_TRANSACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

const NO_PRODUCER = { producerId: -1n, producerEpoch: -1 };
const FIRST_VERSION_WITH_FENCED = 4;

export const initProducerId = handler(
  InitProducerId,
  [WRITE_TRANSACTION, IDEMPOTENT_WRITE, WRITE_TOPIC],
  async (request, { apiVersion, services, permissions, count }) => {
    const { transactionalId, transactionTimeoutMs: timeoutMs, producerId, producerEpoch } = request;
    const refuse = (errorCode: ErrorCode) => {
      count(errorCode);
      return { errorCode, ...NO_PRODUCER };
    };
    if (transactionalId !== null) {
      const refused = permissions.refusal(WRITE_TRANSACTION, transactionalId);
      if (refused) return refuse(refused.error);
    } else if (!permissions.allows(IDEMPOTENT_WRITE) && !permissions.allowsOnAny(WRITE_TOPIC)) {
      return refuse(ErrorCode.CLUSTER_AUTHORIZATION_FAILED);
    }
    if (transactionalId === '' || producerId < 0n !== producerEpoch < 0) return refuse(ErrorCode.INVALID_REQUEST);
    if (transactionalId !== null) {
      const expected = producerId < 0n ? undefined : { producerId, producerEpoch };
      const { error, ...producer } = await services.transactions.initProducerId({
        transactionalId,
        timeoutMs,
        expected,
      });
      if (error === ErrorCode.NONE) return { errorCode: error, ...producer };
      const isUnknown = error === ErrorCode.PRODUCER_FENCED && apiVersion < FIRST_VERSION_WITH_FENCED;
      return refuse(isUnknown ? ErrorCode.INVALID_PRODUCER_EPOCH : error);
    }
    try {
      return { errorCode: ErrorCode.NONE, producerId: await services.controller.producerIds.take(), producerEpoch: 0 };
    } catch (failure) {
      if (!(failure instanceof StoreUnavailable)) throw failure;
      return refuse(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
    }
  },
);
