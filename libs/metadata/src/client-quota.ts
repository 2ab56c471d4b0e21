// The entity of a quota and its values (KIP-13, KIP-546, KIP-612), as AlterClientQuotas sets them.

export const QUOTA_ENTITY_TYPES = ['user', 'client-id', 'ip'] as const;
export type QuotaEntityType = (typeof QUOTA_ENTITY_TYPES)[number];

/** Names by type; null is the default of its type, for everyone without a quota of their own. */
export type QuotaEntity = Readonly<Partial<Record<QuotaEntityType, string | null>>>;

export interface ClientQuota {
  readonly entity: QuotaEntity;
  /** By Kafka's names: `producer_byte_rate` and so on. Never empty. */
  readonly quotas: Readonly<Record<string, number>>;
}

/** One text for each entity, whatever the order of its parts. */
export const quotaKey = (entity: QuotaEntity): string =>
  JSON.stringify(QUOTA_ENTITY_TYPES.flatMap((type) => (entity[type] === undefined ? [] : [[type, entity[type]]])));
