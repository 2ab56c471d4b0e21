// Every npm script runs through this: `node tools/launch.mjs <command> …`. It provides Node 24, the dependencies and the built
// page, then runs the command under that Node and passes signals and the exit status through.
import { spawn } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { builtPage } from './page.mjs';
import { dependencies, node24, root, say } from './toolchain.mjs';

// V8 would let the young generation grow to 100 MB at the start and not shrink: this saves 50 MB at rest, 70 under
// load. (Also in deploy/docker/Dockerfile, like the size of the thread pool.)
const sources = ['--max-semi-space-size=16', '--enable-source-maps', '--import', './tools/swc-hook.mjs'];
const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const tsc = 'node_modules/typescript/bin/tsc';
const milepost = (...args) => [...sources, 'apps/cli/src/main.ts', ...args];
/** The arguments of Node; a list of such lists: one after the other, until one fails. */
const commands = {
  demo: milepost('demo'),
  start: milepost('up'),
  trucks: milepost('trucks'),
  milepost: milepost(),
  test: jest,
  'test:plants': [
    ...jest,
    '--testPathIgnorePatterns=/node_modules/',
    '--testMatch=<rootDir>/test/simulation/planted/*.test.ts',
  ],
  'test:interop': [...sources, 'test/interop/main.ts'],
  'test:kafka': [...sources, 'test/on-kafka/main.ts'],
  'test:deploy': [...sources, 'test/deploy/main.ts'],
  'test:observability': [...sources, 'test/observability/main.ts'],
  'test:simulation': [...sources, 'test/simulation/main.ts'],
  'test:swarm': [...sources, 'test/simulation/main.ts', '--nodes', '3', '--minutes', '10'],
  simulate: [...sources, 'test/simulation/main.ts'],
  docs: [...sources, 'test/observability/docs.ts'],
  'test:compat': [...sources, 'test/compat/main.ts'],
  // The warning: kafkajs sets timers to times in the past.
  'test:fault': [...sources, '--disable-warning=TimeoutNegativeWarning', 'test/fault/main.ts'],
  'test:cluster': [...sources, '--disable-warning=TimeoutNegativeWarning', 'test/cluster/main.ts'],
  'test:fuzz': [...sources, 'test/fuzz/main.ts'],
  bench: [...sources, 'test/bench/main.ts'],
  'bench:groups': [...sources, 'test/bench/groups.ts'],
  'bench:partitions': [...sources, 'test/bench/partitions.ts'],
  'bench:recovery': [...sources, 'test/bench/recovery.ts'],
  'bench:kafka': [...sources, 'test/bench/kafka/main.ts'],
  build: ['node_modules/@nestjs/cli/bin/nest.js', 'build', 'appliance'], // one tsconfig: this emits every app and library
  types: [
    [tsc, '--noEmit'],
    [tsc, '-p', 'apps/dashboard/web'], // with a browser's globals
  ],
  plain: [tsc, '-p', 'tsconfig.plain.json'],
  lint: ['node_modules/oxlint/bin/oxlint', '--type-aware', 'apps', 'libs', 'test', 'grafana'],
  layers: [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.mjs',
    'apps',
    'libs',
  ],
  format: ['node_modules/@biomejs/biome/bin/biome', 'format'],
  'format:write': ['node_modules/@biomejs/biome/bin/biome', 'format', '--write'],
};

/** These read the sources only. */
const withoutPage = ['types', 'plain', 'lint', 'layers', 'format', 'format:write'];

try {
  const [command, ...rest] = process.argv.slice(2);
  const args = commands[command];
  if (!args) throw new Error(`unknown command "${command}"; one of: ${Object.keys(commands).join(', ')}`);
  const node = await node24();
  await dependencies(node);
  const isBuild = command === 'build'; // it deletes dist/, the page too
  if (!isBuild && !withoutPage.includes(command)) await builtPage(node);
  const steps = Array.isArray(args[0]) ? args : [args];
  for (const step of steps) process.exitCode ||= await run(node, [...step, ...rest]);
  if (isBuild && process.exitCode === 0) await builtPage(node);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

/** The exit status. */
function run(node, args) {
  const path = [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  // A commit of the log syncs a file for each partition concurrently; on libuv's four threads they would queue.
  const env = { UV_THREADPOOL_SIZE: '16', ...process.env, PATH: path };
  const child = spawn(node, args, { cwd: root, env, stdio: 'inherit' });
  const pass = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass);
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, pass);
      resolve(code ?? (signal ? 1 : 0));
    });
  });
}
