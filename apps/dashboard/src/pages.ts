// The page as Vite has built it, and the base map (/roads.json), all from this machine: the map works without internet.
// The files are read once: a build that replaces them meanwhile gives no viewer a mix of old and new ones.
import { createHash } from 'node:crypto';
import * as files from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { cachedRoads } from '@milepost/roads';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Needed } from '../../chassis/src/index.ts';

const require = createRequire(import.meta.url);
/** Fastify. */
export type HttpServer = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

const gzipped = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
};
/** Vite names these by their contents, so that a browser may retain them forever (RFC 8246). */
const ASSETS = 'assets/';
const IMMUTABLE = 'public, max-age=31536000, immutable';
/** Always revalidated; an ETag makes that cheap. */
const REVALIDATED = 'no-cache';
/** The pages and files that nobody needs to sign in for. The page's code is that of every installation (decision 0074). */
const isOpen = (name: string): boolean => name.startsWith(ASSETS) || name.startsWith('sign-in/');

interface Resource {
  readonly type: string;
  readonly cacheControl: string;
  /** Undefined: as a route without a declaration. */
  readonly access?: Needed;
  readonly read: () => Buffer;
}

/** @throws Error where the page is not built */
export function servePages(server: HttpServer): void {
  const folder = builtPage();
  for (const name of namesIn(folder)) {
    const body = files.readFileSync(join(folder, name));
    serve(server, `/${name.replace(/(^|\/)index\.html$/, '$1')}`, {
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      cacheControl: name.startsWith(ASSETS) ? IMMUTABLE : REVALIDATED,
      ...(isOpen(name) && { access: 'open' }),
      read: () => body,
    });
  }
  serve(server, '/roads.json', {
    type: 'application/json; charset=utf-8',
    cacheControl: REVALIDATED,
    read: () => Buffer.from(roadsText()),
  });
}

/** Beside the compiled program; where the sources run, in dist/, into which Vite builds. */
function builtPage(): string {
  const isSource = import.meta.filename.endsWith('.ts');
  const root = isSource
    ? join(import.meta.dirname, '..', '..', '..', 'dist', 'apps', 'dashboard')
    : join(import.meta.dirname, '..');
  return join(root, 'web');
}

/** Of all files, with / between folders. */
function namesIn(folder: string): string[] {
  if (!files.existsSync(join(folder, 'index.html')))
    throw new Error(`the page is not built: no index.html in ${folder}; run \`npm run build\``);
  const found = files.readdirSync(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) =>
      join(parentPath, name)
        .slice(folder.length + 1)
        .split(sep)
        .join('/'),
    );
}

/** Compressed once, at the first request. */
function serve(server: HttpServer, url: string, { type, cacheControl, access, read }: Resource): void {
  let compressed: Promise<Buffer> | undefined;
  let etag: string | undefined;
  server.get(url, { ...(access && { config: { access } }) }, async (request, reply) => {
    etag ??= `"${createHash('sha256').update(read()).digest('base64url').slice(0, 22)}"`;
    void reply.headers({ etag, 'cache-control': cacheControl, 'content-type': type, vary: 'accept-encoding' });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(read());
    compressed ??= gzipped(read(), { level: 9 });
    return reply.header('content-encoding', 'gzip').send(await compressed);
  });
}

function roadsText(): string {
  const network = require.resolve('geojson-path-finder/test/large-network.json');
  return cachedRoads(files, network, join('.cache', 'roads'), String(process.pid));
}
