// InitProducerId, versions 0 to 5, for idempotent producers: a new id in epoch 0, whatever id and epoch the request
// carries (Kafka ignores them without a transactional id; @platformatic/kafka sends 0/0). One of the two alone:
// INVALID_REQUEST. With a transactional id: UNSUPPORTED_VERSION. Transactions are not advertised, and this code stops a
// client with an error. A retriable one would let it retry until it times out, and an authorization error would
// mislead.
import { ErrorCode } from '@milepost/core';
import { StoreUnavailable } from '@milepost/metadata';
import { InitProducerId } from '@milepost/wire';
import { handler } from './handler.ts';

const NO_PRODUCER = { producerId: -1n, producerEpoch: -1 };

export const initProducerId = handler(InitProducerId, async (request, { services, count }) => {
  const { transactionalId, producerId, producerEpoch } = request;
  const refuse = (errorCode: ErrorCode) => {
    count(errorCode);
    return { errorCode, ...NO_PRODUCER };
  };
  if (transactionalId === '' || producerId < 0n !== producerEpoch < 0) return refuse(ErrorCode.INVALID_REQUEST);
  if (transactionalId !== null) return refuse(ErrorCode.UNSUPPORTED_VERSION);
  try {
    return { errorCode: ErrorCode.NONE, producerId: await services.controller.producerIds.take(), producerEpoch: 0 };
  } catch (failure) {
    if (!(failure instanceof StoreUnavailable)) throw failure;
    return refuse(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  }
});
