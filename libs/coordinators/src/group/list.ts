// ListGroups, with filters by state (KIP-518) and type (KIP-848). Case does not matter; an unknown name matches no group.
import type { ListGroupsCommand, ListGroupsResult } from './model/commands.ts';
import type { Group } from './group.ts';

export function listGroups(groups: Iterable<Group>, command: ListGroupsCommand): ListGroupsResult['groups'] {
  const passes = (filter: readonly string[], value: string) =>
    filter.length === 0 || filter.some((each) => each.trim().toLowerCase() === value.toLowerCase());
  return [...groups]
    .filter((group) => passes(command.states, group.state) && passes(command.types, group.kind))
    .map(({ groupId, protocolType, state, kind }) => ({
      groupId,
      protocolType: protocolType ?? '',
      state,
      type: kind,
    }));
}
