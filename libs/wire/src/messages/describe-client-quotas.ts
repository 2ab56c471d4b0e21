// Quotas of users, clients and addresses that match (KIP-546). v1 is flexible.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, float64, int8, string } from '../schema/field.ts';
import { emptyMessage, throttleTimeMs } from './parts.ts';

export const QuotaMatch = { EXACT: 0, DEFAULT: 1, ANY: 2 } as const;

export const DescribeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexible: 1,
  request: {
    components: array({ entityType: string, matchType: int8, match: string.nullable() }),
    strict: bool,
  },
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: emptyMessage,
    entries: array({
      entity: array({ entityType: string, entityName: string.nullable() }),
      values: array({ key: string, value: float64 }),
    }).nullable(),
  },
});
export type DescribeClientQuotasRequest = RequestOf<typeof DescribeClientQuotas>;
export type DescribeClientQuotasResponse = ResponseOf<typeof DescribeClientQuotas>;
