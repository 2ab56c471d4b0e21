// DeleteGroups, versions 0 to 2: deletes empty groups with all their offsets; any other group is NON_EMPTY_GROUP.
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
