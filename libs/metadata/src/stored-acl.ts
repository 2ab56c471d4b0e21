// An entry of the access control lists, as it is stored (KIP-140, KIP-290). The numbers are Kafka's codes, and what they mean
// is in libs/security/src/acl.ts.

export interface StoredAcl {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Literal or prefixed. */
  readonly patternType: number;
  /** `User:alice` */
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permission: number;
}
