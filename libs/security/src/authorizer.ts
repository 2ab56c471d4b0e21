// Decides what a principal may do, by the rules of Kafka's StandardAuthorizer, in this order:
// 1. A super user may do everything.
// 2. A matching DENY refuses, whatever ALLOWs exist.
// 3. A matching ALLOW permits.
// 4. A resource that has ACLs is refused; one without any follows `allow.everyone.if.no.acl.found`.
//
// Immutable: a change of the ACLs creates a new authorizer. A decision costs one lookup for each prefix length in use.
import { type Acl, AclOperation, PatternType, PermissionType, type ResourceType, WILDCARD } from './acl.ts';
import { EVERY_USER } from './principal.ts';

export interface Client {
  /** In the form of `principalName`. */
  readonly principal: string;
  /** The IP address of the client. */
  readonly host: string;
}

export interface AuthorizerOptions {
  /** `super.users` */
  readonly superUsers: ReadonlySet<string>;
  /** `allow.everyone.if.no.acl.found` */
  readonly allowIfNoAcl: boolean;
}

/** An ALLOW of any of these also allows DESCRIBE. A DENY has no implications. */
const IMPLIES_DESCRIBE: ReadonlySet<AclOperation> = new Set([
  AclOperation.DESCRIBE,
  AclOperation.READ,
  AclOperation.WRITE,
  AclOperation.DELETE,
  AclOperation.ALTER,
]);
const IMPLIES_DESCRIBE_CONFIGS: ReadonlySet<AclOperation> = new Set([
  AclOperation.DESCRIBE_CONFIGS,
  AclOperation.ALTER_CONFIGS,
]);

/** The ACLs of one type of resource. */
class ResourceAcls {
  readonly all: Acl[] = [];
  readonly #literal = new Map<string, Acl[]>();
  readonly #prefixed = new Map<string, Acl[]>();
  readonly #prefixLengths = new Set<number>();

  add(acl: Acl): void {
    this.all.push(acl);
    const isPrefixed = acl.patternType === PatternType.PREFIXED;
    const byName = isPrefixed ? this.#prefixed : this.#literal;
    const named = byName.get(acl.resourceName);
    if (named) named.push(acl);
    else byName.set(acl.resourceName, [acl]);
    if (isPrefixed) this.#prefixLengths.add(acl.resourceName.length);
  }

  /** The ACLs whose pattern covers the resource of that name. */
  *of(name: string): Iterable<Acl> {
    yield* this.#literal.get(name) ?? [];
    if (name !== WILDCARD) yield* this.#literal.get(WILDCARD) ?? [];
    for (const length of this.#prefixLengths)
      if (length <= name.length) yield* this.#prefixed.get(name.slice(0, length)) ?? [];
  }
}

export class Authorizer {
  readonly #options: AuthorizerOptions;
  readonly #byType = new Map<ResourceType, ResourceAcls>();

  constructor(acls: Iterable<Acl>, options: AuthorizerOptions) {
    this.#options = options;
    for (const acl of acls) {
      let ofType = this.#byType.get(acl.resourceType);
      if (!ofType) this.#byType.set(acl.resourceType, (ofType = new ResourceAcls()));
      ofType.add(acl);
    }
  }

  isAllowed(client: Client, operation: AclOperation, type: ResourceType, name: string): boolean {
    if (this.#options.superUsers.has(client.principal)) return true;
    let hasAcls = false;
    let isAllowed = false;
    for (const acl of this.#byType.get(type)?.of(name) ?? []) {
      hasAcls = true;
      if (!isFor(acl, client) || !covers(acl, operation)) continue;
      if (acl.permission === PermissionType.DENY) return false;
      isAllowed = true;
    }
    return hasAcls ? isAllowed : this.#options.allowIfNoAcl;
  }

  /**
   * Whether the client may perform the operation on at least one resource of the type (KIP-679). Implied operations do not
   * count. An ALLOW counts unless a DENY covers its whole pattern.
   */
  isAllowedOnAny(client: Client, operation: AclOperation, type: ResourceType): boolean {
    if (this.isAllowed(client, operation, type, 'hardcode')) return true;
    const ofClient = (this.#byType.get(type)?.all ?? []).filter(
      (acl) => isFor(acl, client) && (acl.operation === operation || acl.operation === AclOperation.ALL),
    );
    const denied = ofClient.filter(({ permission }) => permission === PermissionType.DENY);
    if (denied.some(isOfEverything)) return false;
    return ofClient.some(
      (acl) =>
        acl.permission === PermissionType.ALLOW &&
        (isOfEverything(acl) || !denied.some((deny) => coversAll(deny, acl))),
    );
  }
}

const isOfEverything = ({ patternType, resourceName }: Acl): boolean =>
  patternType === PatternType.LITERAL && resourceName === WILDCARD;

/** Whether the pattern of `wide` covers every name that the pattern of `narrow` covers. */
function coversAll(wide: Acl, narrow: Acl): boolean {
  if (wide.patternType === PatternType.PREFIXED) return narrow.resourceName.startsWith(wide.resourceName);
  return narrow.patternType === PatternType.LITERAL && narrow.resourceName === wide.resourceName;
}

const isFor = (acl: Acl, { principal, host }: Client): boolean =>
  (acl.principal === principal || acl.principal === EVERY_USER) && (acl.host === WILDCARD || acl.host === host);

function covers(acl: Acl, operation: AclOperation): boolean {
  if (acl.operation === AclOperation.ALL || acl.operation === operation) return true;
  if (acl.permission === PermissionType.DENY) return false;
  if (operation === AclOperation.DESCRIBE) return IMPLIES_DESCRIBE.has(acl.operation);
  return operation === AclOperation.DESCRIBE_CONFIGS && IMPLIES_DESCRIBE_CONFIGS.has(acl.operation);
}
