// DescribeAcls, CreateAcls and DeleteAcls, versions 1 to 3. There is no authorizer here: every result is
// SECURITY_DISABLED, as in Kafka without one.
import { ErrorCode } from '@milepost/core';
import { CreateAcls, DeleteAcls, DescribeAcls } from '@milepost/wire';
import type { Context } from '../services.ts';
import { handler } from './handler.ts';

export const describeAcls = handler(DescribeAcls, (_request, context) => ({ ...refused(context), resources: [] }));

export const createAcls = handler(CreateAcls, ({ creations }, context) => ({
  results: creations.map(() => refused(context)),
}));

export const deleteAcls = handler(DeleteAcls, ({ filters }, context) => ({
  filterResults: filters.map(() => ({ ...refused(context), matchingAcls: [] })),
}));

function refused({ count }: Context) {
  count(ErrorCode.SECURITY_DISABLED);
  return { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: 'this broker has no authorizer' };
}
