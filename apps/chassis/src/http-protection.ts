// What every HTTP request meets first, on every program's port: is it of a page that may use this port, who sends it, and may they
// do this. And the headers that every response has.
//
// A route declares beside its handler who may use it (`Access`). Without a declaration, a viewer may read and an admin may change:
// a route that was forgotten is closed.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import type { Logger } from '@milepost/core';
import { includesRole, OriginPolicy, type Role } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import {
  createParamDecorator,
  type ExecutionContext,
  Inject,
  Injectable,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify';
import { type Caller, HttpAuthenticator } from './http-authenticator.ts';
import { HTTP_AUTHENTICATOR, LOGGER, SETTINGS } from './tokens.ts';

/**
 * `open`: anybody; `probe`: also by any Host, as probes use any name and learn nothing about trucks; `signed-in`: any user, also one
 * who must change the password; `metrics`: by MILEPOST_METRICS_ACCESS.
 */
export type Needed = 'open' | 'probe' | 'signed-in' | 'metrics' | Role;

/** Who may use the route. */
export const Access = (access: Needed) => RouteConfig({ access });

/** The sender of the request; undefined where nobody signs in. */
export const CallerOf = createParamDecorator(
  (_: unknown, context: ExecutionContext) => context.switchToHttp().getRequest<{ caller?: Caller }>().caller,
);

type HttpServer = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

export interface Refusal {
  readonly status: 401 | 403 | 503;
  readonly message: string;
}
export type Admission =
  | { readonly refusal: Refusal }
  | { readonly refusal?: undefined; readonly caller: Caller | undefined };

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

/** For requests after the first one (RFC 6797); a year. */
const ONLY_TLS = { 'strict-transport-security': 'max-age=31536000' };

/** Swagger's page has a style sheet in its markup. */
const DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
const isDocs = (url: string): boolean => /^\/docs(\/|$|\?)/.test(url);

const READS = new Set(['GET', 'HEAD', 'OPTIONS']);
const ERRORS = { 401: 'Unauthorized', 403: 'Forbidden', 503: 'Service Unavailable' } as const;

export const originPolicy = ({
  allowedOrigins,
  httpAuthentication,
}: Pick<Settings, 'allowedOrigins' | 'httpAuthentication'>): OriginPolicy =>
  new OriginPolicy({
    names: [hostname(), `${hostname()}.local`],
    allowed: allowedOrigins ?? [],
    anyHost: httpAuthentication === 'required',
  });

@Injectable()
export class HttpProtection implements OnModuleInit {
  readonly #logger: Logger;
  readonly #settings: Settings;
  readonly #policy: OriginPolicy;

  constructor(
    @Inject(SETTINGS) settings: Settings,
    @Inject(LOGGER) logger: Logger,
    private readonly adapters: HttpAdapterHost,
    @Optional() @Inject(HTTP_AUTHENTICATOR) private readonly authenticator?: () => HttpAuthenticator,
  ) {
    if (settings.httpAuthentication === 'required' && !authenticator)
      throw new Error('users are to sign in, and nothing authenticates them');
    this.#logger = logger;
    this.#settings = settings;
    this.#policy = originPolicy(settings);
  }

  onModuleInit(): void {
    const server = this.adapters.httpAdapter.getInstance<HttpServer>();
    server.decorateRequest('caller', undefined);
    server.addHook('onRequest', async (request, reply) => {
      const { method, url } = request;
      void reply.headers(this.#settings.httpTls ? { ...HEADERS, ...ONLY_TLS } : HEADERS);
      if (isDocs(url)) void reply.header('content-security-policy', DOCS_POLICY);
      if (this.authenticator && url.startsWith('/api/')) void reply.header('cache-control', 'no-store');
      const needed = this.#neededBy(request);
      const admission = await this.#admitted(request.headers, needed, method);
      if (!admission.refusal) {
        (request as { caller?: Caller | undefined }).caller = admission.caller;
        return;
      }
      const { status, message } = admission.refusal;
      const signIn = signInFrom(request);
      if (status === 401 && signIn !== undefined) return reply.redirect(signIn, 303);
      if (status === 401) void reply.header('www-authenticate', 'Bearer');
      await reply.code(status).send({ statusCode: status, error: ERRORS[status], message });
    });
  }

  /** For a WebSocket, which never becomes a request of the server. */
  admit({ headers }: IncomingMessage, needed: Role): Promise<Admission> {
    return this.#admitted(headers, needed, 'GET');
  }

  /** Those whose session or token is no longer valid. */
  async gone(callers: readonly Caller[]): Promise<readonly Caller[]> {
    if (!this.authenticator || callers.length === 0) return [];
    const current = await this.authenticator().current(callers);
    return callers.filter((caller) => !current.has(caller));
  }

  async #admitted(headers: IncomingHttpHeaders, needed: Needed, method: string): Promise<Admission> {
    const { host, origin } = headers;
    if (needed === 'probe') return { caller: undefined };
    const foreign = this.#policy.refusalOf({ host, origin }, 'same-origin');
    if (foreign !== undefined) {
      this.#logger.warn({}, `a request was refused: ${foreign}`);
      return { refusal: { status: 403, message: foreign } };
    }
    if (!this.authenticator || needed === 'open') return { caller: undefined };
    let caller: Caller | undefined;
    try {
      caller = await this.authenticator().callerOf(headers);
    } catch (failure) {
      this.#logger.warn({ reason: String(failure) }, 'nobody can be authenticated while the database is away');
      return { refusal: { status: 503, message: 'the database does not answer: try again in a moment' } };
    }
    const refusal = refusalOf(caller, needed, { isChange: !READS.has(method), hasOrigin: origin !== undefined });
    return refusal ? { refusal } : { caller };
  }

  #neededBy({ method, routeOptions }: RoutedRequest): Needed {
    const { access } = (routeOptions.config ?? {}) as { access?: Needed };
    if (access === 'metrics') return this.#settings.metricsAccess === 'open' ? 'open' : 'viewer';
    return access ?? (READS.has(method) ? 'viewer' : 'admin');
  }
}

type RoutedRequest = {
  readonly method: string;
  readonly routeOptions: { readonly config?: unknown };
};

function refusalOf(
  caller: Caller | undefined,
  needed: Exclude<Needed, 'open' | 'probe'>,
  { isChange, hasOrigin }: { readonly isChange: boolean; readonly hasOrigin: boolean },
): Refusal | undefined {
  if (!caller) return { status: 401, message: 'sign in, or send a token: Authorization: Bearer …' };
  // Browsers send Origin with every change, and it was compared: a page of another site cannot use the session (CSRF).
  if (caller.kind === 'session' && isChange && !hasOrigin)
    return { status: 403, message: 'a change by a session needs the Origin header of a browser; scripts use a token' };
  if (needed === 'signed-in') return undefined;
  if (caller.mustChangePassword)
    return {
      status: 403,
      message: 'the password was given by somebody else: change it first (PUT /api/session/password)',
    };
  if (needed !== 'metrics' && !includesRole(caller.role, needed))
    return { status: 403, message: `expected the role ${needed}, seen ${caller.role}` };
  return undefined;
}

/** Where a browser that opens a page is sent; relative, for a proxy that serves us under a path. */
function signInFrom({
  method,
  headers,
  url,
}: {
  method: string;
  headers: IncomingHttpHeaders;
  url: string;
}): string | undefined {
  const [path = '/'] = url.split('?');
  if (method !== 'GET' || path.startsWith('/api/') || !headers.accept?.includes('text/html')) return undefined;
  return `${'../'.repeat(path.split('/').length - 2)}sign-in/`;
}
