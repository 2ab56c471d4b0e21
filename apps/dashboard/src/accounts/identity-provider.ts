// Sign-in by an identity provider: the authorization code flow of OpenID Connect, with PKCE, state and nonce, by openid-client.
//
// Promises: a user comes from the provider of the settings, for our client, by the browser that began; the signature of the ID
// token is checked although it comes from the provider directly. What is learned of the provider is learned again after an hour.
// Never: waits longer than TIMEOUT_SECONDS for one response, follows more than MOST_UNDER_WAY sign-ins at once, logs a code or token.
import type { Clock } from '@milepost/core';
import { claimAt, isPrincipalName, type Role, roleByClaim } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import * as client from 'openid-client';
import { passwordOfSetting } from '../../../chassis/src/index.ts';

const TIMEOUT_SECONDS = 10;
const MOST_UNDER_WAY = 50;
const RELEARN_AFTER_MS = 3_600_000;

/** What the browser that began keeps until it comes back. */
export interface Pending {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export type ProviderSignIn =
  | { readonly kind: 'signed-in'; readonly user: { readonly name: string; readonly role: Role } }
  /** The reason is for the log. `no-role`: the provider knows the user, and no role of the user here. */
  | { readonly kind: 'no-role' | 'refused'; readonly reason: string };

type OidcSettings = Pick<
  Settings,
  | 'oidcClientId'
  | 'oidcClientSecret'
  | 'oidcClientSecretFile'
  | 'oidcRedirectUrl'
  | 'oidcRoles'
  | 'oidcRolesClaim'
  | 'oidcUsernameClaim'
>;

export class IdentityProvider {
  readonly #issuer: URL;
  readonly #settings: OidcSettings;
  readonly #clock: Clock;
  #learned: { readonly atMs: number; readonly provider: Promise<client.Configuration> } | undefined;
  #underWay = 0;

  constructor(issuer: string, settings: OidcSettings, clock: Clock) {
    this.#issuer = new URL(issuer);
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Where the browser goes now. Rejects while the provider is away. */
  async begin(): Promise<{ readonly url: URL; readonly pending: Pending }> {
    const pending = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      verifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(await this.#provider(), {
      redirect_uri: this.#redirectUrl,
      scope: 'openid profile',
      state: pending.state,
      nonce: pending.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(pending.verifier),
      code_challenge_method: 'S256',
    });
    return { url, pending };
  }

  /** `query`: with which the browser came back. Never rejects. */
  async finish(query: string, { state, nonce, verifier }: Pending): Promise<ProviderSignIn> {
    if (this.#underWay >= MOST_UNDER_WAY) return { kind: 'refused', reason: 'too many sign-ins at once' };
    this.#underWay++;
    try {
      const provider = await this.#provider();
      const back = new URL(this.#redirectUrl);
      back.search = query;
      const tokens = await client.authorizationCodeGrant(provider, back, {
        pkceCodeVerifier: verifier,
        expectedState: state,
        expectedNonce: nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims() as client.IDToken;
      return this.#userOf(await this.#withUserInfo(provider, tokens.access_token, claims));
    } catch (failure) {
      return { kind: 'refused', reason: reasonOf(failure as Error) };
    } finally {
      this.#underWay--;
    }
  }

  /** Some providers have the roles only there. */
  async #withUserInfo(
    provider: client.Configuration,
    accessToken: string,
    claims: client.IDToken,
  ): Promise<client.IDToken> {
    const isThere = claimAt(claims, this.#settings.oidcRolesClaim) !== undefined;
    if (isThere || provider.serverMetadata().userinfo_endpoint === undefined) return claims;
    return { ...(await client.fetchUserInfo(provider, accessToken, claims.sub)), ...claims };
  }

  #userOf(claims: client.IDToken): ProviderSignIn {
    const { oidcRoles, oidcRolesClaim, oidcUsernameClaim } = this.#settings;
    const name = claimAt(claims, oidcUsernameClaim) ?? claims.sub;
    if (!isPrincipalName(name))
      return { kind: 'refused', reason: `claim ${oidcUsernameClaim}: expected a printable name` };
    const seen = claimAt(claims, oidcRolesClaim);
    const role = roleByClaim(seen, oidcRoles);
    if (role) return { kind: 'signed-in', user: { name, role } };
    const expected = [...oidcRoles.keys()].join(', ');
    const shown = JSON.stringify(seen ?? null).slice(0, 200);
    return { kind: 'no-role', reason: `${name}: claim ${oidcRolesClaim}: expected one of ${expected}, seen ${shown}` };
  }

  get #redirectUrl(): string {
    return this.#settings.oidcRedirectUrl ?? '';
  }

  #provider(): Promise<client.Configuration> {
    const now = this.#clock.monotonic();
    if (!this.#learned || now - this.#learned.atMs > RELEARN_AFTER_MS) {
      const provider = this.#learn();
      const learned = { atMs: now, provider };
      this.#learned = learned;
      provider.catch(() => {
        if (this.#learned === learned) this.#learned = undefined;
      });
    }
    return this.#learned.provider;
  }

  async #learn(): Promise<client.Configuration> {
    const { oidcClientId = '', oidcClientSecret, oidcClientSecretFile } = this.#settings;
    const secret = oidcClientSecret ?? passwordOfSetting('MILEPOST_OIDC_CLIENT_SECRET_FILE', oidcClientSecretFile);
    const proof = secret === undefined ? client.None() : client.ClientSecretBasic(secret);
    const isPlain = this.#issuer.protocol === 'http:';
    return client.discovery(this.#issuer, oidcClientId, undefined, proof, {
      timeout: TIMEOUT_SECONDS,
      execute: [client.enableNonRepudiationChecks, ...(isPlain ? [client.allowInsecureRequests] : [])],
    });
  }
}

/** Without what the provider or the browser has sent, beside the code of an error. */
function reasonOf(failure: Error): string {
  const { message, cause } = failure;
  if (failure instanceof client.ResponseBodyError || failure instanceof client.AuthorizationResponseError)
    return `the provider responds with ${JSON.stringify(failure.error.slice(0, 100))}`;
  const { message: more } = (cause ?? {}) as Partial<Error>;
  return more ? `${message}: ${more}` : message;
}
