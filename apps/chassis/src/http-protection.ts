// What every HTTP request meets first, on every program's port: is it of a page that may use this port, and which headers does
// every response have. The page loads everything from here, so its content security policy allows nothing else.
import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import type { Logger } from '@milepost/core';
import { OriginPolicy } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { LOGGER, SETTINGS } from './tokens.ts';

type HttpServer = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

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

/** Swagger's page has a style sheet in its markup. */
const DOCS_POLICY = POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
const isDocs = (url: string): boolean => /^\/docs(\/|$|\?)/.test(url);

/** Probes use any name, and learn nothing about trucks. */
const isHealth = (url: string): boolean => url.startsWith('/health/');

export const originPolicy = ({ allowedOrigins }: Pick<Settings, 'allowedOrigins'>): OriginPolicy =>
  new OriginPolicy({ names: [hostname(), `${hostname()}.local`], allowed: allowedOrigins ?? [] });

@Injectable()
export class HttpProtection implements OnModuleInit {
  readonly #logger: Logger;
  readonly #policy: OriginPolicy;

  constructor(
    @Inject(SETTINGS) settings: Settings,
    @Inject(LOGGER) logger: Logger,
    private readonly adapters: HttpAdapterHost,
  ) {
    this.#logger = logger;
    this.#policy = originPolicy(settings);
  }

  onModuleInit(): void {
    const server = this.adapters.httpAdapter.getInstance<HttpServer>();
    server.addHook('onRequest', async ({ headers, url }, reply) => {
      void reply.headers(HEADERS);
      if (isDocs(url)) void reply.header('content-security-policy', DOCS_POLICY);
      const refusal = isHealth(url) ? undefined : this.refusalOf(headers);
      if (refusal !== undefined) await reply.code(403).send({ statusCode: 403, error: 'Forbidden', message: refusal });
    });
  }

  /** Also for a WebSocket, which never becomes a request of the server. Undefined: it may go on. */
  refusalOf({ host, origin }: IncomingHttpHeaders): string | undefined {
    const refusal = this.#policy.refusalOf({ host, origin }, 'same-origin');
    if (refusal !== undefined) this.#logger.warn({}, `a request was refused: ${refusal}`);
    return refusal;
  }
}
