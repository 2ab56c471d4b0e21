// Builds the dashboard's page with Vite, unless its stamp shows that it was built from these very sources.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { read, underLock } from './install-lock.mjs';
import { root, say } from './toolchain.mjs';

const web = join('apps', 'dashboard', 'web');
/** Everything that may end up in the page, beside the dependencies. */
const sources = [web, ...['alerts', 'live', 'roads'].map((library) => join('libs', library, 'src'))];
const output = join(root, 'dist', web);
/** Beside the output: `npm run build` deletes both. */
const stamp = `${output}.stamp`;

/** @throws Error when Vite fails: its own messages are above */
export async function builtPage(node) {
  const done = () => read(stamp) === fingerprint();
  if (done()) return;
  mkdirSync(join(root, '.cache'), { recursive: true });
  await underLock(join(root, '.cache', 'page-lock'), done, async (owns) => {
    const built = fingerprint(); // a source that changes meanwhile is built the next time
    say('building the page');
    const args = [join('node_modules', 'vite', 'bin', 'vite.js'), 'build', web, '--configLoader', 'native'];
    const child = spawn(node, args, { cwd: root, stdio: ['ignore', 2, 2] });
    owns(child.pid);
    const isBuilt = await new Promise((resolve) => {
      child.on('error', () => resolve(false));
      child.on('exit', (code) => resolve(code === 0));
    });
    if (!isBuilt) throw new Error('Vite could not build the page: its own messages are above');
    writeFileSync(stamp, built);
  });
}

function fingerprint() {
  const hash = createHash('sha256').update(read(join(root, 'package-lock.json')) ?? '');
  for (const folder of sources)
    for (const name of namesIn(join(root, folder))) hash.update(name).update(readFileSync(join(root, folder, name)));
  return hash.digest('hex');
}

/** Paths below a folder. Without `recursive`, which the oldest Node that may run this lacks. */
function namesIn(folder, below = '') {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    return entry.isDirectory() ? namesIn(folder, name) : [name];
  });
}
