// UpdateFeatures, versions 0 to 2: no feature can be raised or lowered; a request for the current level succeeds. The
// first feature that is refused refuses the whole request, with INVALID_UPDATE_VERSION.
import { ErrorCode } from '@milepost/core';
import { FeatureUpgradeType, UpdateFeatures } from '@milepost/wire';
import { featureRefusal } from '../admin/features.ts';
import { ALTER_CLUSTER } from '../security/needs.ts';
import { handler } from './handler.ts';

export const updateFeatures = handler(
  UpdateFeatures,
  [ALTER_CLUSTER],
  ({ featureUpdates }, { apiVersion, permissions, count }) => {
    const updates = featureUpdates.map((update) => (apiVersion === 0 ? asLater(update) : update));
    const refused = permissions.refusal(ALTER_CLUSTER) ?? updates.map(featureRefusal).find(Boolean);
    if (refused) {
      count(refused.error);
      return { errorCode: refused.error, errorMessage: refused.message, results: [] };
    }
    const results = featureUpdates.map(({ feature }) => ({ feature, errorCode: ErrorCode.NONE, errorMessage: null }));
    return { errorCode: ErrorCode.NONE, results };
  },
);

const asLater = <Update extends { readonly allowDowngrade: boolean }>(update: Update) => ({
  ...update,
  upgradeType: update.allowDowngrade ? FeatureUpgradeType.SAFE_DOWNGRADE : FeatureUpgradeType.UPGRADE,
});
