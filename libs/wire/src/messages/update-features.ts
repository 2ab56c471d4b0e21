// Raises or lowers the cluster's finalized features (KIP-584). v1 names the kind of change and can only validate it
// (KIP-778), v2 has one result for all of them. Flexible from the start.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int16, int32, int8, string } from '../schema/field.ts';
import { nullableString, throttleTimeMs } from './parts.ts';

export const FeatureUpgradeType = { UNKNOWN: 0, UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;

export const UpdateFeatures = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: [0, 2],
  flexible: 0,
  request: {
    timeoutMs: int32.default(60_000),
    featureUpdates: array({
      feature: string,
      maxVersionLevel: int16,
      allowDowngrade: bool.default(false).until(0),
      upgradeType: int8.default(FeatureUpgradeType.UPGRADE).since(1),
    }),
    validateOnly: bool.default(false).since(1),
  },
  response: {
    throttleTimeMs,
    errorCode,
    errorMessage: nullableString,
    results: array({ feature: string, errorCode, errorMessage: nullableString }).until(1),
  },
});
export type UpdateFeaturesRequest = RequestOf<typeof UpdateFeatures>;
export type UpdateFeaturesResponse = ResponseOf<typeof UpdateFeatures>;
