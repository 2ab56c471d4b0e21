// The page and its resources, all from this machine: the map works without internet. /roads.json is the base map.
import * as files from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import fastifyStatic from '@fastify/static';
import { cachedRoads } from '@milepost/roads';
import type { Needed } from '../../chassis/src/index.ts';

const require = createRequire(import.meta.url);
/** The type of Fastify's instance, from its plugin. */
export type HttpServer = Parameters<typeof fastifyStatic>[0];

const gzipped = promisify(gzip);

/** The folder of the page for those who are not signed in yet. */
const SIGN_IN = 'sign-in';
const OPEN: { readonly access: Needed } = { access: 'open' };

export async function servePages(server: HttpServer): Promise<void> {
  const pages = { cacheControl: false, setHeaders: setPageHeaders };
  await server.register(fastifyStatic, {
    ...pages,
    root: webFolder(),
    prefix: '/',
    decorateReply: false,
    wildcard: false,
    globIgnore: [`${SIGN_IN}/**`],
  });
  await server.register(async (open) => {
    open.addHook('onRoute', (route) => void (route.config = { ...route.config, ...OPEN }));
    await open.register(fastifyStatic, {
      ...pages,
      root: join(webFolder(), SIGN_IN),
      prefix: `/${SIGN_IN}/`,
      decorateReply: false,
      wildcard: false,
    });
  });
  const leaflet = dirname(require.resolve('leaflet/dist/leaflet.css'));
  await server.register(fastifyStatic, { root: leaflet, prefix: '/leaflet/', decorateReply: false, maxAge: '1d' });
  serveRoads(server);
}

/** Beside the sources; the built program runs in dist/apps/dashboard/src, and the page needs no build. */
function webFolder(): string {
  const here = join(import.meta.dirname, '..', 'web');
  return files.existsSync(here) ? here : join(process.cwd(), 'apps', 'dashboard', 'web');
}

/** Always revalidated (an ETag makes that cheap), so that after an update no viewer gets a mix of old and new files. */
function setPageHeaders(reply: { header(name: string, value: string): unknown }): void {
  reply.header('cache-control', 'no-cache');
}

/** Compressed once, at the first request. */
function serveRoads(server: HttpServer): void {
  let compressed: Promise<Buffer> | undefined;
  server.get('/roads.json', async (request, reply) => {
    compressed ??= gzipped(roadsText(), { level: 9 });
    const body = await compressed;
    const etag = `"roads-${body.length}"`;
    void reply.header('etag', etag).header('cache-control', 'no-cache');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    void reply.header('content-type', 'application/json; charset=utf-8').header('vary', 'accept-encoding');
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(roadsText());
    return reply.header('content-encoding', 'gzip').send(body);
  });
}

function roadsText(): string {
  const network = require.resolve('geojson-path-finder/test/large-network.json');
  return cachedRoads(files, network, join('.cache', 'roads'), String(process.pid));
}
