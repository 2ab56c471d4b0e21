// Devices that authenticate, with Mosquitto's clients and with paho: an appliance with TLS, devices that the command line
// registers, a password, a certificate, and what is not theirs.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Authority } from '../support/certificates.ts';
import { cleanUp, dataFolder, Program, testSettings } from '../support/program.ts';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';
import { here } from './here.ts';
import { environmentWith } from './python.ts';

const POSITION = '{"lat":57.70,"lon":11.97}';

export async function mosquittoCases(report: Report): Promise<void> {
  const absent = (await missing('mosquitto_pub', '--help')) ?? (await missing('mosquitto_sub', '--help'));
  if (absent) return report.skip('Mosquitto: devices that authenticate', absent);
  const depot = await Depot.open();
  try {
    await report.run('mosquitto_pub over TLS, with a password that `devices add` has made', () => depot.password());
    await report.run('mosquitto_pub with a wrong password, and as nobody, is refused', () => depot.strangers());
    await report.run('mosquitto_pub with a certificate is the device of its common name', () => depot.certificate());
    await report.run('mosquitto_pub as another truck is told so by MQTT 5, and cut off in 3.1.1', () =>
      depot.another(),
    );
    await pahoCases(report, depot);
    await report.run('`devices import` names a broken line, and imports nothing', () => depot.import());
    await report.run('`devices block` ends a mosquitto_sub at once', () => depot.block());
  } finally {
    await cleanUp();
  }
}

async function pahoCases(report: Report, depot: Depot): Promise<void> {
  const absent =
    (await missing('python3', '--version')) ?? (await environmentWith('mqtt-requirements.txt', pahoFolder));
  if (absent) return report.skip('paho: devices that authenticate', absent);
  for (const transport of ['tcp', 'websockets'] as const)
    await report.run(`paho over TLS, by ${transport}, with a password and with a certificate`, () =>
      depot.paho(transport),
    );
}

const pahoFolder = resolve('.cache', 'interop', 'python-mqtt');

class Depot {
  readonly #env: Readonly<Record<string, string>>;
  readonly #program: Program;
  readonly #ca: string;
  readonly #truck: readonly string[];
  readonly #folder: string;
  readonly #passwords = new Map<string, string>();

  private constructor(
    env: Record<string, string>,
    program: Program,
    files: { ca: string; truck: string[]; folder: string },
  ) {
    this.#env = env;
    this.#program = program;
    this.#ca = files.ca;
    this.#truck = files.truck;
    this.#folder = files.folder;
  }

  static async open(): Promise<Depot> {
    const folder = dataFolder();
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const authority = new Authority();
    const server = authority.issue({ subject: [['CN', 'depot']], names: ['127.0.0.1', 'localhost'] });
    const truck = authority.issue({
      subject: [
        ['O', 'Depot'],
        ['CN', 't-9'],
      ],
    });
    const ca = file('ca.pem', authority.cert);
    const env = {
      ...testSettings,
      MILEPOST_DATA_DIR: join(folder, 'data'),
      MILEPOST_MQTTS_PORT: '0',
      MILEPOST_MQTT_WSS_PORT: '0',
      MILEPOST_MQTT_AUTHENTICATION: 'required',
      MILEPOST_TLS_CERT_FILE: file('server.pem', server.cert),
      MILEPOST_TLS_KEY_FILE: file('server.key', server.key),
      MILEPOST_MQTT_CLIENT_CA_FILE: ca,
    };
    const program = await Program.start('appliance', env);
    const certified = ['--cert', file('truck.pem', truck.cert), '--key', file('truck.key', truck.key)];
    return new Depot(env, program, { ca, truck: certified, folder });
  }

  async password(): Promise<void> {
    await this.#add('t-1');
    await this.#add('dispatch', '--subscribe', 'trucks/#');
    const heard = this.#mosquitto('sub', [
      ...this.#login('dispatch'),
      '-t',
      'trucks/+/gps',
      '-C',
      '1',
      '-W',
      '60',
      '-F',
      '%t',
    ]);
    // mosquitto_sub does not say when it has subscribed.
    for (let done = false; !done; ) {
      const published = await this.#publish([...this.#login('t-1')], 't-1');
      check(published.status === 0, 'the position is acknowledged', published.stderr);
      done = await Promise.race([
        heard.then(() => true),
        new Promise<false>((resolve) => setTimeout(resolve, 500, false)),
      ]);
    }
    check((await heard).stdout.trim() === 'trucks/t-1/gps', 'dispatch hears it', await heard);
  }

  async strangers(): Promise<void> {
    for (const login of [['-u', 't-1', '-P', 'wrong'], ['-u', 'nobody', '-P', 'wrong'], []]) {
      const { status, stderr } = await this.#publish(login, 't-1');
      check(status !== 0 && /refused|not authori[sz]ed|bad user/i.test(stderr), 'the connection is refused', stderr);
    }
  }

  async certificate(): Promise<void> {
    const { status, stderr } = await this.#publish(this.#truck, 't-9');
    check(status === 0, 'the position is acknowledged', stderr);
  }

  async another(): Promise<void> {
    const five = await this.#publish([...this.#login('t-1'), '-V', '5'], 't-2');
    check(/not authori[sz]ed/i.test(five.stderr), 'MQTT 5 hears that it is not authorized', five);
    const three = await this.#publish([...this.#login('t-1'), '-V', '311'], 't-2', 15_000);
    check(three.status !== 0, 'nothing is acknowledged', three);
  }

  async paho(transport: 'tcp' | 'websockets'): Promise<void> {
    const { mqttWss, mqtts } = this.#program.ports;
    const port = String(transport === 'tcp' ? mqtts : mqttWss);
    const paho = async (device: string, ...credentials: readonly string[]): Promise<Record<string, unknown>> => {
      const args = [here('python', 'mqtt_paho.py'), transport, port, this.#ca, device, ...credentials];
      const { stderr, stdout } = await command(`${pahoFolder}/bin/python`, args);
      check(stdout !== '', 'the program ends well', stderr);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const [, certificate = '', , key = ''] = this.#truck;
    for (const outcome of [await paho('t-1', this.#passwords.get('t-1') ?? ''), await paho('t-9', certificate, key)]) {
      const { acknowledged, connack, suback } = outcome;
      check(
        connack === 'Success' && suback === 'Granted QoS 1' && acknowledged === true,
        'the device gets in',
        outcome,
      );
    }
    const refused = await paho('t-1', 'wrong');
    check(refused['connack'] === 'Bad user name or password', 'a wrong password is refused', refused);
  }

  async import(): Promise<void> {
    const list = join(this.#folder, 'fleet.csv');
    writeFileSync(list, 'id,password\nt-20,secret-20\nt/21,secret-21\nt-22,secret-22\n');
    const refused = await this.#devices('import', list);
    check(refused.status !== 0 && refused.stderr.includes('line 3: id: expected'), 'the line is named', refused.stderr);
    check(!refused.stderr.includes('secret'), 'no password is printed', refused.stderr);
    check(!(await this.#devices('list')).stdout.includes('t-20'), 'nothing is imported', refused);
    const imported = await this.#devices('import', list, '--skip-broken');
    check(imported.status === 0, 'the others are imported', imported.stderr);
    const { status, stderr } = await this.#publish(['-u', 't-22', '-P', 'secret-22'], 't-22');
    check(status === 0, 'and can publish', stderr);
  }

  async block(): Promise<void> {
    // Into a pipe it would write nothing before its buffer is full.
    const listening = spawn(
      'stdbuf',
      ['-oL', 'mosquitto_sub', ...this.#where, ...this.#login('t-1'), '-t', 'trucks/t-1/commands', '-d'],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const gone = new Promise<void>((resolve) => {
      let log = '';
      const look = (chunk: Buffer): void => {
        log += chunk.toString();
        if ((log.match(/sending CONNECT/g) ?? []).length > 1) resolve(); // it has lost its connection, and tries again
      };
      listening.stdout.on('data', look);
      listening.stderr.on('data', look);
      listening.once('exit', () => resolve());
    });
    await new Promise<void>((resolve) =>
      listening.stdout.on('data', (chunk: Buffer) => chunk.includes('SUBACK') && resolve()),
    );
    const { status, stderr } = await this.#devices('block', 't-1');
    check(status === 0, 'it is blocked', stderr);
    await gone;
    listening.kill();
    const after = await this.#publish(this.#login('t-1'), 't-1');
    check(after.status !== 0, 'it is refused', after);
    const { stdout } = await this.#devices('list');
    check(/t-1 +blocked/.test(stdout), 'the list says so', stdout);
  }

  async #add(id: string, ...options: readonly string[]): Promise<void> {
    const { status, stdout, stderr } = await this.#devices('add', id, ...options);
    check(status === 0, `${id} is added`, stderr);
    this.#passwords.set(id, stdout.trim().split(' ').at(-1) ?? '');
  }

  #login(id: string): readonly string[] {
    return ['-u', id, '-P', this.#passwords.get(id) ?? ''];
  }

  #devices(...args: readonly string[]): Promise<Finished> {
    const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', 'devices', ...args];
    return command(process.execPath, cli, undefined, { env: this.#env });
  }

  get #where(): readonly string[] {
    return ['-h', '127.0.0.1', '-p', String(this.#program.ports.mqtts), '--cafile', this.#ca];
  }

  #publish(who: readonly string[], truck: string, limitMs?: number): Promise<Finished> {
    return this.#mosquitto('pub', [...who, '-q', '1', '-t', `trucks/${truck}/gps`, '-m', POSITION], limitMs);
  }

  #mosquitto(which: 'pub' | 'sub', args: readonly string[], limitMs?: number): Promise<Finished> {
    return command(
      `mosquitto_${which}`,
      [...this.#where, ...args],
      undefined,
      limitMs === undefined ? {} : { limitMs },
    );
  }
}
