// Signing in by an identity provider. The browser is sent there, and comes back with a code; what belongs to the attempt is in a
// cookie until then, so that any dashboard of several may finish it. A user of the provider has a session here, and no password.
import { newSessionSecret, secretHash } from '@milepost/security';
import type { Host, Logger } from '@milepost/core';
import type { Settings } from '@milepost/settings';
import { Controller, Get, Inject, NotFoundException, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Access, HOST, HttpUsersPart, LOGGER, sessionCookies, SETTINGS } from '../../../chassis/src/index.ts';
import type { ProviderProblem } from '../views.ts';
import { IdentityProvider, type Pending } from './identity-provider.ts';

interface Request {
  readonly url: string;
  readonly headers: { readonly cookie?: string };
}
interface Reply {
  header(name: string, value: string | readonly string[]): Reply;
  redirect(url: string, status: number): unknown;
}

const SEE_OTHER = 303;
const ATTEMPT_SECONDS = 600;
/** Relative, for a proxy that serves us under a path. */
const PAGE_FROM_CALLBACK = '../../../';
const SIGN_IN_FROM_BEGIN = '../../sign-in/';

@ApiExcludeController()
@Controller('api/session')
export class ProviderController {
  readonly #provider: IdentityProvider | undefined;
  readonly #isSecure: boolean;

  constructor(
    private readonly part: HttpUsersPart,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(SETTINGS) settings: Settings,
  ) {
    const { oidcIssuer, oidcRedirectUrl = '' } = settings;
    this.#provider = oidcIssuer === undefined ? undefined : new IdentityProvider(oidcIssuer, settings, host.clock);
    this.#isSecure = oidcRedirectUrl.startsWith('https:');
  }

  @Get('oidc')
  @Access('open')
  async begin(@Res() reply: Reply): Promise<void> {
    const provider = this.#configured();
    try {
      const { url, pending } = await provider.begin();
      reply.header('set-cookie', this.#cookie(pending)).redirect(url.href, SEE_OTHER);
    } catch (failure) {
      this.logger.warn({}, `the identity provider cannot be reached: ${(failure as Error).message}`);
      reply.redirect(`${SIGN_IN_FROM_BEGIN}?problem=provider`, SEE_OTHER);
    }
  }

  @Get('oidc/callback')
  @Access('open')
  async finish(@Req() { url, headers }: Request, @Res() reply: Reply): Promise<void> {
    const provider = this.#configured();
    const pending = pendingIn(headers.cookie);
    const query = url.includes('?') ? url.slice(url.indexOf('?')) : '';
    const outcome = pending
      ? await provider.finish(query, pending)
      : ({ kind: 'refused', reason: 'the browser has not begun here, or too long ago' } as const);
    const ended = this.#cookie(undefined);
    if (outcome.kind !== 'signed-in') {
      this.logger.info({}, `a sign-in by the identity provider failed: ${outcome.reason}`);
      const problem: ProviderProblem = outcome.kind === 'no-role' ? 'no-role' : 'provider';
      reply.header('set-cookie', ended).redirect(`${PAGE_FROM_CALLBACK}sign-in/?problem=${problem}`, SEE_OTHER);
      return;
    }
    const secret = newSessionSecret(this.host.random);
    await this.part.users.store.addProviderSession(secretHash(secret), outcome.user);
    const cookies = [...sessionCookies(secret, this.#isSecure), ended];
    reply.header('set-cookie', cookies).redirect(PAGE_FROM_CALLBACK, SEE_OTHER);
  }

  #configured(): IdentityProvider {
    if (this.#provider) return this.#provider;
    throw new NotFoundException('there is no identity provider (MILEPOST_OIDC_ISSUER)');
  }

  /** Lax: it must come along when the provider sends the browser back. */
  #cookie(pending: Pending | undefined): string {
    const value = pending ? Buffer.from(JSON.stringify(pending)).toString('base64url') : '';
    const name = this.#isSecure ? SECURE_COOKIE : COOKIE;
    const shared = `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${pending ? ATTEMPT_SECONDS : 0}`;
    return this.#isSecure ? `${shared}; Secure` : shared;
  }
}

const COOKIE = 'milepost_oidc';
/** Browsers accept it only from this very host, over TLS. */
const SECURE_COOKIE = `__Host-${COOKIE}`;
const LONGEST_COOKIE = 1_000;

function pendingIn(cookie = ''): Pending | undefined {
  const pairs = cookie.split(';').map((pair) => pair.trim().split('=') as [string, string?]);
  const valueOf = (wanted: string): string | undefined => pairs.find(([name]) => name === wanted)?.[1];
  const value = valueOf(SECURE_COOKIE) ?? valueOf(COOKIE) ?? '';
  if (value === '' || value.length > LONGEST_COOKIE) return undefined;
  try {
    const parsed = JSON.parse(Buffer.from(value, 'base64url').toString()) as Partial<Pending> | null;
    const { state, nonce, verifier } = parsed ?? {};
    const texts = [state, nonce, verifier];
    return texts.every((text) => typeof text === 'string' && text !== '') ? (parsed as Pending) : undefined;
  } catch {
    return undefined;
  }
}
