// The cluster's features (KIP-584). One level of each is implemented and always on: nothing can be raised or lowered, and a
// request for that level succeeds.
import { ErrorCode } from '@milepost/core';
import { FeatureUpgradeType } from '@milepost/wire';
import { type Refusal, refusal } from '../refusal.ts';

/**
 * The APIs and requests are those of Kafka 4.3 (4.3-IV0); groups of the new protocol are served (KIP-848), share
 * groups (KIP-932), and an epoch per transaction (KIP-890).
 */
export const FEATURES: ReadonlyMap<string, number> = new Map([
  ['group.version', 1],
  ['metadata.version', 30],
  ['share.version', 1],
  ['transaction.version', 2],
]);

export interface FeatureUpdate {
  readonly feature: string;
  /** 0: off. */
  readonly maxVersionLevel: number;
  /** Of version 0. */
  readonly allowDowngrade: boolean;
  /** Of later ones. */
  readonly upgradeType: number;
}

/** Undefined if the feature has that level. */
export function featureRefusal(update: FeatureUpdate): Refusal | undefined {
  const { feature, maxVersionLevel: asked, upgradeType } = update;
  const level = FEATURES.get(feature);
  const refuse = (reason: string): Refusal =>
    refusal(ErrorCode.INVALID_UPDATE_VERSION, `Invalid update version ${asked} for feature ${feature}. ${reason}`);
  if (upgradeType < FeatureUpgradeType.UPGRADE || upgradeType > FeatureUpgradeType.UNSAFE_DOWNGRADE)
    return refuse('The upgrade type is unknown.');
  if (asked < 0) return refuse('A feature version cannot be less than 0.');
  if (level === undefined) return refuse('This broker does not support this feature.');
  return asked === level ? undefined : refuse(`This broker supports level ${level} of it, and no other.`);
}
