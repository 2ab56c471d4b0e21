// Three brokers in separate processes, locked by one `milepost secure`, as three machines would be: each with its own certificate and
// settings. Of the machines it stands in for their addresses (localhost) and their ports (free ones). kcat is the foreign client.
import { cpSync, mkdtempSync, chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../support/free-port.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { Program } from '../support/program.ts';
import { check, command, type Finished, missing, type Report } from '../support/run.ts';

const IDS = [1, 2, 3] as const;
const RECORDS = 90;

export async function lockedClusterCases(report: Report): Promise<void> {
  const name = 'three brokers that `milepost secure` has locked: SASL_SSL between them, and for kcat';
  const reason = PostgresServer.missing() ?? (await missing('kcat', '-V'));
  if (reason !== undefined) return report.skip(name, reason);
  await report.run(name, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'milepost-locked-'));
    chmodSync(folder, 0o711); // PostgreSQL runs as another user
    const cluster = new LockedCluster(folder, await PostgresServer.start(join(folder, 'postgres')));
    try {
      await cluster.lock();
      await cluster.start();
      await cluster.prove();
    } finally {
      await cluster.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

class LockedCluster {
  readonly #folder: string;
  readonly #postgres: PostgresServer;
  readonly #programs: Program[] = [];
  readonly #ports = new Map<number, { readonly clients: number; readonly brokers: number }>();
  #adminPassword = '';

  constructor(folder: string, postgres: PostgresServer) {
    this.#folder = folder;
    this.#postgres = postgres;
  }

  /** One run for all three; the folders of the others are copied to their machines. */
  async lock(): Promise<void> {
    const brokers = IDS.flatMap((id) => ['--broker', `${id}=localhost`]);
    const { status, stderr, stdout } = await this.#milepost(['secure', ...brokers]);
    check(status === 0, 'one run for all', stderr);
    this.#adminPassword = /password (\S+) until/.exec(stdout)?.[1] ?? '';
    const own = this.#data(1);
    for (const id of IDS) {
      const data = this.#data(id);
      if (id !== 1) cpSync(join(own, 'security', `broker-${id}`), data, { recursive: true });
      const file = join(data, 'settings.env');
      const ports = { clients: await freePort(), brokers: await freePort() };
      this.#ports.set(id, ports);
      const text = readFileSync(file, 'utf8').replaceAll(`${own}/`, `${data}/`);
      check(text.includes(`MILEPOST_BROKER_ID=${id}\n`) && !text.includes('PLAINTEXT://'), 'settings of its own', text);
      writeFileSync(file, text.replaceAll(':9093', `:${ports.clients}`).replaceAll(':9094', `:${ports.brokers}`));
    }
    const certificates = IDS.map((id) => readFileSync(join(this.#data(id), 'security', 'server.pem'), 'utf8'));
    check(new Set(certificates).size === 3, 'a certificate for each', certificates.length);
    const authorities = IDS.map((id) => readFileSync(join(this.#data(id), 'security', 'ca.pem'), 'utf8'));
    check(new Set(authorities).size === 1, 'of one authority', authorities.length);
    const keys = IDS.slice(1).map((id) => readFileSync(join(this.#data(id), 'settings.env'), 'utf8'));
    check(!keys.join().includes('ca-key'), 'whose key stays where it is', keys);
  }

  /** The first is an appliance: its gateway and its map reach the cluster by the listener of the brokers. */
  async start(): Promise<void> {
    const started = IDS.map((id) => Program.start(id === 1 ? 'appliance' : 'broker', this.#environment(id)));
    for (const program of started)
      void program.then(
        (one) => this.#programs.push(one),
        () => {},
      );
    await Promise.all(started);
  }

  async prove(): Promise<void> {
    const device = await this.#milepost(['devices', 'add', 't-1']);
    const password = /(\S+)\s*$/.exec(device.stdout)?.[1] ?? '';
    const gateway = this.#programs.find(({ ports }) => ports.mqtts !== undefined);
    const ca = readFileSync(this.#authority, 'utf8');
    const truck = await connectAsync(`mqtts://localhost:${gateway?.ports.mqtts}`, { ca, username: 't-1', password });
    await truck.publishAsync('trucks/t-1/gps', '{"lat":57.7,"lon":11.97}', { qos: 1 });
    await truck.endAsync();
    await until('every partition has three replicas in sync', async () => {
      const { stdout } = await this.#kcat(['-L', '-t', 'truck_gps']);
      const partitions = [...stdout.matchAll(/partition \d+, leader \d, replicas: \S+, isrs: (\S+)/g)];
      return (
        / 3 brokers:/.test(stdout) &&
        partitions.length > 0 &&
        partitions.every(([, isr]) => isr?.split(',').length === IDS.length)
      );
    });
    const sent = Array.from({ length: RECORDS }, (_, index) => `k-${index}:v-${index}`).join('\n');
    const produced = await this.#kcat(['-P', '-t', 'locked', '-K:', '-X', 'acks=all'], `${sent}\n`);
    check(produced.status === 0, 'kcat produces over SASL_SSL, acks=all', produced.stderr);
    const read = await this.#kcat(['-C', '-t', 'locked', '-o', 'beginning', '-e', '-q', '-K:']);
    check(read.stdout.trim().split('\n').length === RECORDS, 'and reads all of it, from whichever leader', read);
    const positions = await this.#kcat(['-C', '-t', 'truck_gps', '-o', 'beginning', '-e', '-q', '-f', '%k %h\n']);
    check(/^t-1 .*principal=User:t-1/m.test(positions.stdout), 'the truck came in as itself', positions);
    const wrong = await this.#kcat(['-L'], undefined, 'wrong');
    check(wrong.status !== 0 && /[Aa]uthentication/.test(wrong.stderr), 'not with a wrong password', wrong);
    const clear = await command('kcat', ['-b', `localhost:${this.#ports.get(2)?.brokers}`, '-L', '-m', '5']);
    check(clear.status !== 0, 'nor in the clear, by the listener of the brokers', clear);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.stop()));
    await this.#postgres.stop();
  }

  get #authority(): string {
    return join(this.#data(1), 'security', 'ca.pem');
  }

  #data(id: number): string {
    return join(this.#folder, `machine-${id}`);
  }

  #environment(id: number): Record<string, string> {
    const ports = ['KAFKA', 'HTTP', 'MQTTS', 'MQTT_WSS'].map((name) => [`MILEPOST_${name}_PORT`, '0']);
    return {
      ...(Object.fromEntries(ports) as Record<string, string>),
      MILEPOST_DATA_DIR: this.#data(id),
      MILEPOST_LOG_LEVEL: 'warn',
      DATABASE_URL: this.#postgres.url(),
      KAFKA_DEFAULT_REPLICATION_FACTOR: '3',
      KAFKA_MIN_INSYNC_REPLICAS: '2',
    };
  }

  #milepost(args: readonly string[]): Promise<Finished> {
    const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...args];
    const env = { MILEPOST_DATA_DIR: this.#data(1), DATABASE_URL: this.#postgres.url() };
    return command(process.execPath, cli, undefined, { env });
  }

  #kcat(args: readonly string[], input?: string, password = this.#adminPassword): Promise<Finished> {
    const properties = {
      'security.protocol': 'SASL_SSL',
      'ssl.ca.location': this.#authority,
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.username': 'admin',
      'sasl.password': password,
    };
    const own = Object.entries(properties).flatMap(([name, value]) => ['-X', `${name}=${value}`]);
    return command('kcat', ['-b', `localhost:${this.#ports.get(1)?.clients}`, ...own, ...args], input);
  }
}
