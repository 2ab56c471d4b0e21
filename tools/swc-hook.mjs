// Runs .ts straight from the sources: `node --import ./tools/swc-hook.mjs apps/cli/src/main.ts`. Node's own type
// stripping cannot: decorators are not erasable, and Nest and TypeORM need their metadata. The output of swc is cached
// in .cache/swc, so that a second start does not even load swc.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire, enableCompileCache, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';

const require = createRequire(import.meta.url);
const root = new URL('../', import.meta.url);
const cache = new URL('.cache/swc/', root);
const settings = readFileSync(new URL('.swcrc', root));
mkdirSync(cache, { recursive: true });
enableCompileCache(fileURLToPath(new URL('.cache/v8/', root)));

registerHooks({
  resolve(specifier, context, next) {
    const library = /^@milepost\/([^/]+)$/.exec(specifier)?.[1];
    return next(library ? new URL(`libs/${library}/src/index.ts`, root).href : specifier, context);
  },
  load(url, context, next) {
    if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
    return { format: 'module', source: transformed(fileURLToPath(url)), shortCircuit: true };
  },
});

function transformed(filename) {
  const text = readFileSync(filename, 'utf8');
  const key = createHash('sha1').update(settings).update(filename).update(text).digest('hex');
  const kept = new URL(`${key}.js`, cache);
  if (existsSync(kept)) return readFileSync(kept, 'utf8');
  const { code } = require('@swc/core').transformSync(text, { filename, sourceFileName: filename });
  // Processes, and the threads of one, may load the same files concurrently.
  const fresh = new URL(`${key}.${process.pid}-${threadId}`, cache);
  writeFileSync(fresh, code);
  renameSync(fresh, kept);
  return code;
}
