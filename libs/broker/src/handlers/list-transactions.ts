// ListTransactions, versions 0 to 2: transactions that are coordinated here, filtered by state, producer, duration and pattern.
import { ListTransactions } from '@milepost/wire';
import { handler } from './handler.ts';

export const listTransactions = handler(ListTransactions, (request, { services, count }) => {
  const { error, unknownStates, transactions } = services.transactions.list({
    states: request.stateFilters,
    producerIds: request.producerIdFilters,
    durationMs: Number(request.durationFilter),
    idPattern: request.transactionalIdPattern,
  });
  count(error);
  const transactionStates = transactions.map(({ state, ...rest }) => ({ ...rest, transactionState: state }));
  return { errorCode: error, unknownStateFilters: [...unknownStates], transactionStates };
});
