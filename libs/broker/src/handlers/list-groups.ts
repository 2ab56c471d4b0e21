// ListGroups, versions 0 to 5: all groups, or those in the requested states (v4) and of the requested types (v5). A client that may not
// describe the cluster sees the groups that it may describe.
import { ListGroups } from '@milepost/wire';
import { DESCRIBE_CLUSTER, DESCRIBE_GROUP } from '../security/needs.ts';
import { handler } from './handler.ts';

export const listGroups = handler(
  ListGroups,
  [DESCRIBE_CLUSTER, DESCRIBE_GROUP],
  async ({ statesFilter, typesFilter }, { services, permissions, count }) => {
    const { error, groups } = await services.groups.list({ states: statesFilter, types: typesFilter });
    count(error);
    const seesAll = permissions.allows(DESCRIBE_CLUSTER);
    const visible = groups.filter(({ groupId }) => seesAll || permissions.allows(DESCRIBE_GROUP, groupId));
    return {
      errorCode: error,
      groups: visible.map(({ groupId, protocolType, state, type }) => ({
        groupId,
        protocolType,
        groupState: state,
        groupType: type,
      })),
    };
  },
);
