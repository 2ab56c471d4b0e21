// The appliance as a depot's box: in a network namespace of its own, locked by `milepost secure`, on its usual ports and an address that
// others reach. Trucks, browsers and Kafka's clients come from another namespace, over a wire between the two. Nothing of this
// machine's own network is touched. Where the kernel allows no namespaces, the reason is printed.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { until } from '../e2e/support/until.ts';
import { Authority } from '../support/certificates.ts';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';

const BOX = '10.77.0.1';
const TRUCK = '10.77.0.2';
const READY_LIMIT_MS = 180_000;
const STOP_LIMIT_MS = 60_000;

export async function depotCases(report: Report): Promise<void> {
  const reason = await whyNot();
  if (reason !== undefined) return report.skip("the appliance on a depot's network", reason);
  const depot = new Depot();
  try {
    await report.run("a depot's box, locked by `milepost secure`, listens on the network", () => depot.open());
    if (depot.isOpen) await visits(report, depot);
  } finally {
    await depot.close();
  }
}

async function whyNot(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'network namespaces need Linux and root';
  for (const [program, ...args] of [
    ['ip', '-V'],
    ['mosquitto_pub', '--help'],
    ['kcat', '-V'],
    ['curl', '-V'],
  ] as const) {
    const absent = await missing(program, ...args);
    if (absent !== undefined) return absent;
  }
  const name = `milepost-try-${process.pid}`;
  const made = await command('ip', ['netns', 'add', name]);
  if (made.status !== 0) return `the kernel allows no network namespace: ${made.stderr.trim()}`;
  await command('ip', ['netns', 'del', name]);
  return undefined;
}

async function visits(report: Report, depot: Depot): Promise<void> {
  await report.run('a truck with its certificate gets in, and only as itself', async () => {
    const own = await depot.publish('t-7', 'trucks/t-7/gps');
    check(own.status === 0 && own.stderr === '', 'its own position is acknowledged', own);
    const forged = await depot.publish('t-7', 'trucks/t-8/gps');
    check(/not authori[sz]ed/i.test(forged.stderr + forged.stdout), 'that of another truck is refused', forged);
  });
  await report.run('a truck without a certificate, or with one of a stranger, does not get in', async () => {
    const without = await depot.publish(undefined, 'trucks/t-7/gps');
    check(without.status !== 0 && /not authori[sz]ed/i.test(without.stderr + without.stdout), 'without', without);
    const stranger = await depot.publish('stranger', 'trucks/stranger/gps');
    check(stranger.status !== 0, 'of a stranger', stranger);
    const clear = await depot.on('truck', 'mosquitto_pub', '-h', BOX, '-p', '1883', '-t', 'trucks/t-7/gps', '-m', '{}');
    check(clear.status !== 0 && /refused/i.test(clear.stderr), 'there is no port in the clear', clear);
  });
  await report.run('the page needs sign-in', async () => {
    const check401 = async (path: string): Promise<void> => {
      const seen = await depot.curl(path);
      check(seen === 401, path, seen);
    };
    await check401('/api/trucks');
    await check401('/roads.json');
    check((await depot.curl('/sign-in/')) === 200, 'the form is there', 'another status');
    const posted = JSON.stringify({ username: 'admin', password: depot.adminPassword });
    const signedIn = await depot.curl('/api/session', '-H', 'content-type: application/json', '-d', posted);
    check(signedIn === 200, 'the admin signs in by the name of the box', signedIn);
    const foreign = await depot.curl('/api/session', '-H', 'origin: https://evil.example', '-d', posted);
    check(foreign === 401 || foreign === 403, 'not from the page of another site', foreign);
  });
  await report.run("Kafka needs SASL, and has the truck's position with its name, and nobody else's", async () => {
    const anonymous = await depot.kcat([], '-L', '-m', '5');
    check(anonymous.status !== 0, 'not without', anonymous);
    const read = await depot.kcat(depot.sasl, '-C', '-t', 'truck_gps', '-o', 'beginning', '-e', '-q', '-f', '%k %h\n');
    check(read.status === 0 && /^t-7 .*principal=User:t-7/m.test(read.stdout), 'the truck as itself', read);
    check(!/^(t-8|stranger) /m.test(read.stdout), 'and no other', read);
    const inside = await depot.on('truck', 'kcat', '-b', `${BOX}:9092`, '-L', '-m', '5');
    check(inside.status !== 0, "the listener of the appliance's own apps is out of reach", inside);
  });
}

class Depot {
  readonly #folder = mkdtempSync(join(tmpdir(), 'milepost-depot-'));
  readonly #names = { box: `milepost-box-${process.pid}`, truck: `milepost-truck-${process.pid}` } as const;
  #appliance: ChildProcess | undefined;
  #log = '';
  adminPassword = '';
  isOpen = false;

  async open(): Promise<void> {
    chmodSync(this.#folder, 0o711); // PostgreSQL runs as another user
    await this.#wire();
    this.#certificates();
    const said = await this.#milepost('secure', '--name', BOX);
    check(said.status === 0, '`milepost secure`', said.stderr);
    this.adminPassword = /password (\S+) until/.exec(said.stdout)?.[1] ?? '';
    await this.#start();
    this.isOpen = true;
  }

  on(place: 'box' | 'truck', ...line: string[]): Promise<Finished> {
    return command('ip', ['netns', 'exec', this.#names[place], ...line], undefined, { env: this.#env });
  }

  publish(truck: string | undefined, topic: string): Promise<Finished> {
    const own = truck === undefined ? [] : ['--cert', this.#file(`${truck}.pem`), '--key', this.#file(`${truck}.key`)];
    const where = ['-V', 'mqttv5', '-h', BOX, '-p', '8883', '--cafile', this.#authority, ...own];
    return this.on('truck', 'mosquitto_pub', ...where, '-q', '1', '-t', topic, '-m', '{"lat":57.7,"lon":11.97}');
  }

  /** The status. */
  async curl(path: string, ...more: string[]): Promise<number> {
    const how = ['-sS', '-m', '60', '--cacert', this.#authority, '-o', '/dev/null', '-w', '%{http_code}', ...more];
    const { stderr, stdout } = await this.on('truck', 'curl', ...how, `https://${BOX}:8080${path}`);
    check(stderr === '', `curl ${path}`, stderr);
    return Number(stdout);
  }

  kcat(login: readonly string[], ...args: string[]): Promise<Finished> {
    const tls = [
      '-X',
      `security.protocol=${login.length > 0 ? 'SASL_SSL' : 'SSL'}`,
      '-X',
      `ssl.ca.location=${this.#authority}`,
    ];
    return this.on('truck', 'kcat', '-b', `${BOX}:9093`, ...tls, ...login, ...args);
  }

  get sasl(): string[] {
    const login = ['sasl.mechanism=SCRAM-SHA-512', 'sasl.username=admin', `sasl.password=${this.adminPassword}`];
    return login.flatMap((property) => ['-X', property]);
  }

  async close(): Promise<void> {
    const appliance = this.#appliance;
    if (appliance && appliance.exitCode === null) {
      const gone = new Promise((resolve) => appliance.once('exit', resolve));
      appliance.kill('SIGTERM');
      const limit = setTimeout(() => appliance.kill('SIGKILL'), STOP_LIMIT_MS);
      await gone;
      clearTimeout(limit);
    }
    for (const name of Object.values(this.#names)) await command('ip', ['netns', 'del', name]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #authority(): string {
    return join(this.#data, 'security', 'ca.pem');
  }
  get #data(): string {
    return this.#file('data');
  }
  #file(name: string): string {
    return join(this.#folder, name);
  }
  get #env(): Record<string, string> {
    return {
      MILEPOST_DATA_DIR: this.#data,
      MILEPOST_LOG_LEVEL: 'warn',
      MILEPOST_MQTT_CLIENT_CA_FILE: this.#file('ca.pem'),
    };
  }

  /** Two namespaces, and a wire between them. */
  async #wire(): Promise<void> {
    const { box, truck } = this.#names;
    const end = `mp${process.pid}`;
    for (const line of [
      `netns add ${box}`,
      `netns add ${truck}`,
      `-n ${box} link set lo up`,
      `-n ${truck} link set lo up`,
      `-n ${box} link add ${end} type veth peer name road netns ${truck}`,
      `-n ${box} addr add ${BOX}/24 dev ${end}`,
      `-n ${truck} addr add ${TRUCK}/24 dev road`,
      `-n ${box} link set ${end} up`,
      `-n ${truck} link set road up`,
    ]) {
      const { status, stderr } = await command('ip', line.split(' '));
      check(status === 0, `ip ${line}`, stderr);
    }
  }

  /** Of the depot's authority, and of a stranger's. */
  #certificates(): void {
    const depot = new Authority('Depot');
    writeFileSync(this.#file('ca.pem'), depot.cert);
    for (const [name, authority] of [
      ['t-7', depot],
      ['stranger', new Authority('Stranger')],
    ] as const) {
      const { cert, key } = authority.issue({ subject: [['CN', name]] });
      writeFileSync(this.#file(`${name}.pem`), cert);
      writeFileSync(this.#file(`${name}.key`), key);
    }
  }

  /** The certificates of devices count once `secure` has written the other settings. */
  #milepost(...args: string[]): Promise<Finished> {
    const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...args];
    const { MILEPOST_MQTT_CLIENT_CA_FILE: _, ...env } = this.#env;
    return command('ip', ['netns', 'exec', this.#names.box, process.execPath, ...cli], undefined, { env });
  }

  async #start(): Promise<void> {
    const program = ['--import', './tools/swc-hook.mjs', 'apps/appliance/src/main.ts'];
    // `ip netns exec` becomes the program: a signal reaches it.
    const child = spawn('ip', ['netns', 'exec', this.#names.box, process.execPath, ...program], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#appliance = child;
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.#log += chunk));
    let isReady = false;
    createInterface({ input: child.stdout }).on('line', (line) => (isReady ||= line.startsWith('{"ready":true')));
    await until(
      'the appliance is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`the appliance is not ready: ${this.#log}`);
        return isReady;
      },
      READY_LIMIT_MS,
    );
  }
}
