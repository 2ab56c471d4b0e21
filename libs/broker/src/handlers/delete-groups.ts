// DeleteGroups, versions 0 to 2: empty groups with all their offsets; others are NON_EMPTY_GROUP.
import { DeleteGroups } from '@milepost/wire';
import { handler } from './handler.ts';

export const deleteGroups = handler(DeleteGroups, async ({ groupsNames }, { services, count }) => {
  const deleted = await services.groups.deleteGroups([...new Set(groupsNames)]);
  return {
    results: deleted.map(({ groupId, error }) => {
      count(error);
      return { groupId, errorCode: error };
    }),
  };
});
