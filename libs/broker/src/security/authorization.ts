// The authorizer of a broker (Kafka's StandardAuthorizer): it follows the ACLs of the cluster's image, and gives each request
// the permissions of its client. Without authorizer.class.name there is none, and every request may do everything.
import type { Logger } from '@milepost/core';
import type { ClusterImage } from '@milepost/metadata';
import { type Acl, Authorizer, type AuthorizerOptions, principalName, type Principal } from '@milepost/security';
import type { Need } from './needs.ts';
import { needText, Permissions } from './permissions.ts';

export interface AuthorizationDeps {
  readonly logger: Logger;
  /** Undefined: there is no authorizer. */
  readonly options: AuthorizerOptions | undefined;
  readonly image: () => Pick<ClusterImage, 'acls'>;
}

/** The client of a connection. */
export interface AuthorizedPeer {
  /** As Kafka prints it: `/192.0.2.1`. */
  readonly host: string;
  readonly session: { readonly principal: Principal };
}

export class Authorization {
  readonly #deps: AuthorizationDeps;
  /** The current authorizer, and the ACLs that it was made of. */
  #current: { readonly acls: ClusterImage['acls']; readonly authorizer: Authorizer } | undefined;

  constructor(deps: AuthorizationDeps) {
    this.#deps = deps;
  }

  get isEnabled(): boolean {
    return this.#deps.options !== undefined;
  }

  /** Of a request that was just received. */
  permissionsOf({ host, session }: AuthorizedPeer, declared: readonly Need[]): Permissions {
    const { options, logger } = this.#deps;
    if (!options) return new Permissions(declared, undefined);
    const client = { principal: principalName(session.principal), host: host.slice(1) };
    return new Permissions(declared, {
      authorizer: this.#authorizer(options),
      client,
      denied: (need, name) =>
        logger.info({ client: client.host, principal: client.principal }, `denied: ${needText(need)} ${name}`),
    });
  }

  #authorizer(options: AuthorizerOptions): Authorizer {
    const { acls } = this.#deps.image();
    if (this.#current?.acls !== acls)
      this.#current = { acls, authorizer: new Authorizer(acls.values() as Iterable<Acl>, options) };
    return this.#current.authorizer;
  }
}
