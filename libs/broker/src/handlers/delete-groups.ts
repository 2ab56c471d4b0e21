// DeleteGroups, versions 0 to 2: deletes empty groups with all their offsets; any other group is NON_EMPTY_GROUP.
import { ErrorCode } from '@milepost/core';
import { DeleteGroups } from '@milepost/wire';
import { DELETE_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

export const deleteGroups = handler(
  DeleteGroups,
  [DELETE_GROUP],
  async ({ groupsNames }, { services, permissions, count }) => {
    const groupIds = [...new Set(groupsNames)];
    const refusals = new Map(groupIds.map((groupId) => [groupId, permissions.refusal(DELETE_GROUP, groupId)]));
    const deleted = await services.groups.deleteGroups(groupIds.filter((groupId) => !refusals.get(groupId)));
    const errors = new Map(deleted.map(({ groupId, error }) => [groupId, error]));
    return {
      results: groupIds.map((groupId) => {
        const errorCode = refusals.get(groupId)?.error ?? errors.get(groupId) ?? ErrorCode.NONE;
        count(errorCode);
        return { groupId, errorCode };
      }),
    };
  },
);
