// Sets and removes quotas of users, clients and addresses (KIP-546). v1 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, float64, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

const entity = array({ entityType: string, entityName: string.nullable() });

export const AlterClientQuotas = api({
  key: 49,
  name: 'AlterClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    entries: array({ entity, ops: array({ key: string, value: float64, remove: bool }) }),
    validateOnly: bool,
  },
  response: { throttleTimeMs, entries: array({ errorCode, errorMessage: nullableString, entity }) },
});
export type AlterClientQuotasRequest = RequestOf<typeof AlterClientQuotas>;
export type AlterClientQuotasResponse = ResponseOf<typeof AlterClientQuotas>;
