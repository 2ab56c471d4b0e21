// Why a group rebalances: the values of a metric's label, so a small set.
export const REBALANCE_REASONS = [
  'member_joined',
  'member_rejoined',
  'member_left',
  'session_expired',
  'sync_expired',
  'static_member_replaced',
  'over_capacity',
  // Consumer groups only:
  'subscription_changed',
  'topics_changed',
  'revocation_expired',
  'join_expired',
] as const;
export type RebalanceReason = (typeof REBALANCE_REASONS)[number];
