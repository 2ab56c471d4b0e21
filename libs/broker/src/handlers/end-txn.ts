// EndTxn, versions 0 to 5. Answered when the decision is stored; the markers follow. From version 5 on (transaction version 2)
// the response has the producer id and epoch of the next transaction.
import { ErrorCode } from '@milepost/core';
import { EndTxn } from '@milepost/wire';
import { WRITE_TRANSACTION } from '../security/needs.ts';
import { fencedAs } from './fenced-as.ts';
import { handler } from './handler.ts';

const FIRST_VERSION_WITH_EPOCHS = 5;

export const endTxn = handler(
  EndTxn,
  [WRITE_TRANSACTION],
  async (request, { apiVersion, services, peer, permissions, count }) => {
    const { transactionalId, committed, producerId, producerEpoch } = request;
    const refused = permissions.refusal(WRITE_TRANSACTION, transactionalId);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error };
    }
    const { error, ...next } = await services.transactions.endTransaction({
      transactionalId,
      producerId,
      producerEpoch,
      isCommit: committed,
      clientVersion: apiVersion >= FIRST_VERSION_WITH_EPOCHS ? 2 : 0,
      connection: peer.number,
    });
    const errorCode = fencedAs(error, apiVersion);
    count(errorCode);
    return errorCode === ErrorCode.NONE ? { errorCode, ...next } : { errorCode };
  },
);
