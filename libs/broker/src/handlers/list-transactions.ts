// ListTransactions, versions 0 to 2: transactions that are coordinated here, filtered by state, producer, duration and pattern.
import { ListTransactions } from '@milepost/wire';
import { DESCRIBE_TRANSACTION } from '../security/needs.ts';
import { handler } from './handler.ts';

export const listTransactions = handler(
  ListTransactions,
  [DESCRIBE_TRANSACTION],
  (request, { services, permissions, count }) => {
    const { error, unknownStates, transactions } = services.transactions.list({
      states: request.stateFilters,
      producerIds: request.producerIdFilters,
      durationMs: Number(request.durationFilter),
      idPattern: request.transactionalIdPattern,
    });
    count(error);
    const visible = transactions.filter(({ transactionalId }) =>
      permissions.allows(DESCRIBE_TRANSACTION, transactionalId),
    );
    const transactionStates = visible.map(({ state, ...rest }) => ({ ...rest, transactionState: state }));
    return { errorCode: error, unknownStateFilters: [...unknownStates], transactionStates };
  },
);
