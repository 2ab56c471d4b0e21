// Broker, gateway and dashboard as processes with the environment that the chart gives their pods. Of Kubernetes it stands in for the
// mounted Secrets (files), for the names of pods and services (localhost), and for ports of their own (free ones).
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connectAsync } from 'mqtt';
import { until } from '../e2e/support/until.ts';
import { freePort } from '../support/free-port.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { Program } from '../support/program.ts';
import { check, command } from '../support/run.ts';

interface Pods {
  readonly broker: string;
  readonly gateway: string;
  readonly dashboard: string;
}

type Environment = Readonly<Record<string, string>>;

export class LockedRelease {
  readonly #folder: string;
  readonly #ca: string;

  /** `folder`: with the Secrets tls and admin, as mounted. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#ca = readFileSync(join(folder, 'tls', 'ca.crt'), 'utf8');
  }

  static missing(): string | undefined {
    return PostgresServer.missing();
  }

  async prove(pods: Pods): Promise<void> {
    const postgres = await PostgresServer.start(join(this.#folder, 'postgres'));
    const programs: Program[] = [];
    try {
      const [clients, internal] = [await freePort(), await freePort()];
      const place = (pod: string, own: Environment): Environment => ({
        ...this.#environment(pod, { 9092: clients, 9094: internal }),
        DATABASE_URL: postgres.url(),
        MILEPOST_LOG_LEVEL: 'warn',
        MILEPOST_HTTP_PORT: '0',
        MILEPOST_METRICS_PORT: '0',
        ...own,
      });
      const data = join(this.#folder, 'data');
      const own = { MILEPOST_DATA_DIR: data, MILEPOST_KAFKA_PORT: '0', MILEPOST_BROKER_ID: '0' };
      programs.push(await Program.start('broker', place(pods.broker, own)));
      const gatewayEnv = place(pods.gateway, { MILEPOST_MQTTS_PORT: '0', MILEPOST_MQTT_WSS_PORT: '0' });
      const gateway = await Program.start('gateway', gatewayEnv);
      programs.push(gateway);
      const dashboard = await Program.start('dashboard', place(pods.dashboard, {}));
      programs.push(dashboard);
      const device = await this.#milepost(gatewayEnv, 'devices', 'add', 't-1');
      const password = /(\S+)\s*$/.exec(device)?.[1] ?? '';
      await this.#publish(gateway.ports.mqtts ?? 0, password);
      await this.#see(dashboard.ports.http);
    } finally {
      for (const program of programs.reverse()) await program.stop();
      await postgres.stop();
    }
  }

  async #publish(port: number, password: string): Promise<void> {
    const url = `mqtts://localhost:${port}`;
    const options = { ca: this.#ca, reconnectPeriod: 0, username: 't-1' };
    const refused = await connectAsync(url, { ...options, password: 'wrong' }).then(
      () => 'let in',
      (error: Error) => error.message,
    );
    check(/Not authorized|Bad username|refused/i.test(refused), 'a wrong password is refused', refused);
    const truck = await connectAsync(url, { ...options, password });
    await truck.publishAsync('trucks/t-1/gps', '{"lat":57.7,"lon":11.97}', { qos: 1 });
    await truck.endAsync();
  }

  async #see(port: number): Promise<void> {
    const anonymous = await this.#call(port, '/api/trucks');
    check(anonymous.status === 401, 'the API needs a user', anonymous);
    const password = readFileSync(join(this.#folder, 'admin', 'password'), 'utf8');
    const { cookie, status } = await this.#call(port, '/api/session', { username: 'admin', password });
    check(status === 200, 'the admin of the Secret signs in', status);
    await until('the truck is on the map', async () =>
      (await this.#call(port, '/api/trucks', undefined, cookie)).text.includes('"t-1"'),
    );
  }

  #call(
    port: number,
    path: string,
    body?: object,
    cookie = '',
  ): Promise<{ status: number; text: string; cookie: string }> {
    return new Promise((resolve, reject) => {
      const headers = {
        origin: `https://localhost:${port}`,
        cookie,
        ...(body && { 'content-type': 'application/json' }),
      };
      const options = { host: 'localhost', port, path, method: body ? 'POST' : 'GET', ca: this.#ca, headers };
      request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        const set = (response.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ');
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text, cookie: set }));
      })
        .on('error', reject)
        .end(body && JSON.stringify(body));
    });
  }

  async #milepost(env: Environment, ...args: string[]): Promise<string> {
    const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...args];
    const { status, stderr, stdout } = await command(process.execPath, cli, undefined, { env });
    check(status === 0, `milepost ${args.join(' ')}`, stderr);
    return stdout;
  }

  #environment(pod: string, ports: Readonly<Record<number, number>>): Environment {
    const plain = [...pod.matchAll(/^ +- name: ([A-Z_]+)\n +value: (.*)$/gm)].map(([, name = '', value = '']) => [
      name,
      value
        .replace(/^"(.*)"$/, '$1')
        .replace('/etc/milepost', this.#folder)
        .replaceAll('0.0.0.0', '127.0.0.1')
        .replaceAll(/\$\(POD_NAME\)[-.a-z]*|depot-milepost-broker(?=:)/g, 'localhost')
        .replaceAll(/:(9092|9094)\b/g, (_, port: string) => `:${ports[Number(port)]}`),
    ]);
    return Object.fromEntries(plain) as Environment;
  }
}
