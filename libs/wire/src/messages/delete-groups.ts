// Deletes empty groups and their offsets (KIP-229). v2 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, errorCode, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 2],
  flexible: 2,
  request: { groupsNames: array(string) },
  response: { throttleTimeMs, results: array({ groupId: string, errorCode }) },
});
export type DeleteGroupsRequest = RequestOf<typeof DeleteGroups>;
export type DeleteGroupsResponse = ResponseOf<typeof DeleteGroups>;
