// The image, built by buildah without a daemon and run in a chroot: as its own user and as an unknown one. If the base
// image cannot be pulled, a Debian with the Node of this process replaces it, and the report says so.
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';

const DOCKERFILE = 'deploy/docker/Dockerfile';
const IMAGE = 'localhost/milepost:test';
const BUILD_LIMIT_MS = 900_000;
const PULL_LIMIT_MS = 120_000;
const RUN_LIMIT_MS = 60_000;
const OWN_USER = '10001:0';
/** As OpenShift would choose it. */
const ANY_USER = '1000680000:0';

export async function imageCases(report: Report): Promise<void> {
  const reason = await whyNot();
  if (reason !== undefined) return report.skip('the image', reason);
  const folder = mkdtempSync(join(tmpdir(), 'milepost-image-'));
  const builder = new Builder(folder);
  try {
    const base = await builder.base();
    if (base !== undefined) return report.skip('the image', base);
    await report.run(`the image is built (${builder.standsIn ? 'on a stand-in for' : 'on'} ${baseImage()})`, () =>
      builder.build(),
    );
    if (builder.isBuilt) await runs(report, builder, folder);
  } finally {
    await builder.clean();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'buildah in a chroot needs Linux and root';
  return missing('buildah', 'version');
}

const baseImage = (): string => /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync(DOCKERFILE, 'utf8'))?.[1] ?? '';

class Builder {
  standsIn = false;
  isBuilt = false;
  readonly #folder: string;
  #container = '';
  constructor(folder: string) {
    this.#folder = folder;
  }

  buildah(args: readonly string[], limitMs = BUILD_LIMIT_MS): Promise<Finished> {
    const store = [
      '--root',
      join(this.#folder, 'store'),
      '--runroot',
      join(this.#folder, 'run'),
      '--storage-driver',
      'vfs',
    ];
    return command('buildah', [...store, ...args], undefined, { limitMs });
  }

  async #must(...args: string[]): Promise<string> {
    const { status, stdout, stderr } = await this.buildah(args);
    check(status === 0, `buildah ${args[0]} ends well`, stderr || stdout);
    return stdout.trim();
  }

  /** Undefined: there is a base image. */
  async base(): Promise<string | undefined> {
    const pulled = await this.buildah(['pull', '-q', `docker.io/library/${baseImage()}`], PULL_LIMIT_MS);
    if (pulled.status === 0) return undefined;
    const reason = `${baseImage()} cannot be pulled`;
    if (await missing('debootstrap', '--version')) return `${reason}, and debootstrap is not installed for a stand-in`;
    this.standsIn = true;
    return this.#standIn().then(
      () => undefined,
      (error: Error) => `${reason}, and a stand-in cannot be made: ${error.message}`,
    );
  }

  async #standIn(): Promise<void> {
    const root = join(this.#folder, 'debian');
    const suite = /-(\w+)-slim$/.exec(baseImage())?.[1] ?? '';
    const made = await command('debootstrap', ['--variant=minbase', suite, root], undefined, {
      limitMs: BUILD_LIMIT_MS,
    });
    check(made.status === 0, 'debootstrap ends well', made.stderr || made.stdout);
    copyFileSync(process.execPath, join(root, 'usr/local/bin/node'));
    const npm = realpathSync((await command('sh', ['-c', 'command -v npm'])).stdout.trim());
    mkdirSync(join(root, 'usr/local/lib/node_modules'), { recursive: true });
    await command('cp', ['-r', join(npm, '..', '..'), join(root, 'usr/local/lib/node_modules/npm')]);
    await command('ln', ['-s', '../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm')]);
    const trusted = process.env['NODE_EXTRA_CA_CERTS'];
    if (trusted && existsSync(trusted)) copyFileSync(trusted, join(root, 'usr/local/share/ca.crt'));
    await command('tar', ['-C', root, '-cf', `${root}.tar`, '.']);
    rmSync(root, { recursive: true });
    const container = await this.#must('from', 'scratch');
    await this.#must('add', '-q', container, `${root}.tar`, '/');
    rmSync(`${root}.tar`);
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    const certificates = trusted ? ['--env', 'NODE_EXTRA_CA_CERTS=/usr/local/share/ca.crt'] : [];
    await this.#must('config', '--env', path, ...certificates, container);
    await this.#must('commit', '-q', '--rm', container, `docker.io/library/${baseImage()}`);
  }

  async build(): Promise<void> {
    const ignore = ['--ignorefile', `${DOCKERFILE}.dockerignore`];
    const how = ['--isolation', 'chroot', '--pull-never', '--format', 'docker'];
    await this.#must('bud', '-q', ...how, ...ignore, '-f', DOCKERFILE, '-t', IMAGE, '.');
    this.#container = await this.#must('from', '--pull-never', IMAGE);
    this.isBuilt = true;
  }

  inspect(format: string): Promise<string> {
    return this.#must('inspect', '--type', 'image', '--format', format, IMAGE);
  }

  /** Runs Node in the image. In a chroot the network is the host's: every port is any free one. */
  node(
    user: string,
    { env = {}, mounted }: { env?: Readonly<Record<string, string>>; mounted?: string },
    ...args: string[]
  ): Promise<Finished> {
    const ports = ['KAFKA', 'MQTT', 'MQTT_WS', 'HTTP'].map((name) => [`MILEPOST_${name}_PORT`, '0']);
    const all = { MILEPOST_LISTEN: '127.0.0.1', ...(Object.fromEntries(ports) as Record<string, string>), ...env };
    const variables = Object.entries(all).map(([name, value]) => `--env=${name}=${value}`);
    const options = ['--isolation', 'chroot', '--user', user, ...variables, ...(mounted ? ['--volume', mounted] : [])];
    return this.buildah(['run', ...options, this.#container, '--', 'node', ...args], RUN_LIMIT_MS);
  }

  async clean(): Promise<void> {
    await this.buildah(['rm', '--all']);
    await this.buildah(['rmi', '--all', '--force']);
  }
}

const PROGRAM = 'apps/cli/src/main.js';

/** Starts the appliance like the image, requests its page, its trucks and its health, and stops it. */
const upAndDown = `
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
const child = spawn(process.execPath, ['${PROGRAM}', 'up'], { stdio: ['ignore', 'pipe', 'inherit'] });
const ended = new Promise((resolve) => child.once('exit', resolve));
for await (const line of createInterface({ input: child.stdout })) {
  if (!line.startsWith('{"ready"')) continue;
  const { ports } = JSON.parse(line);
  const ready = 'http://127.0.0.1:' + ports.http + '/health/ready';
  for (let looks = 0; looks < 300 && !(await fetch(ready)).ok; looks++) await new Promise((resolve) => setTimeout(resolve, 100));
  for (const path of ['/', '/leaflet/leaflet.js', '/roads.json', '/api/trucks', '/health/ready', '/metrics', '/docs']) {
    const { status } = await fetch('http://127.0.0.1:' + ports.http + path);
    console.log('seen ' + status + ' ' + path);
  }
  child.kill('SIGTERM');
}
console.log('ended ' + (await ended));
`;

async function runs(report: Report, builder: Builder, folder: string): Promise<void> {
  await report.run('image: a user without rights, a health check, a stop signal, a volume', async () => {
    const about = await builder.inspect(
      '{{.Docker.Config.User}} {{.Docker.Config.StopSignal}} {{.Docker.Config.Volumes}} {{.Docker.Config.Healthcheck}}',
    );
    check(/^10001:0 SIGTERM map\[\/data:.*health\/live/.test(about), 'all four', about);
  });
  for (const user of [OWN_USER, ANY_USER])
    await report.run(`image: user ${user} gets its commands, and may write to /data and nowhere else`, async () => {
      const help = await builder.node(user, {}, PROGRAM, 'help');
      check(help.status === 0 && help.stdout.includes('usage: milepost'), 'help', help.stdout + help.stderr);
      const places = ['/app', '/app/apps', '/etc', '/usr/local/bin', '/data'];
      const look = `const { accessSync } = require('node:fs'); for (const path of ${JSON.stringify(places)})
        try { accessSync(path, 2); console.log(path); } catch {}`;
      const writable = await builder.node(user, {}, '-e', look);
      check(writable.stdout.trim() === '/data', 'only /data', writable.stdout + writable.stderr);
    });
  await report.run(
    'image: the appliance starts on an empty volume with its own PostgreSQL, serves, and stops',
    async () => {
      const seen = await builder.node(OWN_USER, {}, '--input-type=module', '-e', upAndDown);
      const failed = seen.stdout.split('\n').filter((line) => line.startsWith('seen ') && !line.startsWith('seen 200'));
      check(seen.stdout.includes('seen 200 /health/ready'), 'ready', seen.stdout + seen.stderr);
      check(failed.length === 0, 'everything is there', failed);
      check(seen.stdout.includes('ended 0'), 'a clean end', seen.stdout + seen.stderr);
    },
  );
  await report.run('image: a volume that cannot be written is answered by one line with the cure', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(closed, { mode: 0o755 });
    const env = { MILEPOST_DATA_DIR: '/closed', MILEPOST_LOG_LEVEL: 'silent' };
    const { status, stderr } = await builder.node(OWN_USER, { env, mounted: `${closed}:/closed` }, PROGRAM, 'up');
    const lines = stderr.split('\n').filter((line) => line.startsWith('milepost:'));
    check(status !== 0 && lines.length === 1 && /MILEPOST_DATA_DIR/.test(lines[0] ?? ''), 'one line', stderr);
  });
  await report.run('image: without a decision about anonymous access it says what is missing', async () => {
    const { status, stderr } = await builder.node(OWN_USER, { env: { MILEPOST_LISTEN: '0.0.0.0' } }, PROGRAM, 'up');
    check(status !== 0 && stderr.includes('MILEPOST_ALLOW_ANONYMOUS=true'), 'one line', stderr);
  });
}
