// ListGroups, versions 0 to 5: all groups, or those in the requested states (v4) and of the requested types (v5).
import { ListGroups } from '@milepost/wire';
import { handler } from './handler.ts';

export const listGroups = handler(ListGroups, async ({ statesFilter, typesFilter }, { services, count }) => {
  const { error, groups } = await services.groups.list({ states: statesFilter, types: typesFilter });
  count(error);
  return {
    errorCode: error,
    groups: groups.map(({ groupId, protocolType, state, type }) => ({
      groupId,
      protocolType,
      groupState: state,
      groupType: type,
    })),
  };
});
