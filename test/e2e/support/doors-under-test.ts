// The doors of the main job's tests: open on loopback, or with TEST_LOCKED as `milepost secure` closes them: HTTPS with a token, MQTT over
// TLS with a device's password, Kafka over SASL_SSL with the admin's. test/deploy runs the tests a second time so.
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import type { KafkaAddress } from '@milepost/streams';
import { connectAsync, type MqttClient } from 'mqtt';
import { WebSocket } from 'ws';
import { command } from '../../support/run.ts';
import { freePort } from '../../support/free-port.ts';
import { kafkaOf, kafkaSettings } from './kafka-under-test.ts';
import { Program, testSettings } from './program.ts';

type Environment = Readonly<Record<string, string>>;

export interface Doors {
  readonly program: Program;
  /** Of a foreign client. */
  readonly kafka: KafkaAddress;
  /** Resolves with the body of the response. */
  http(path: string, posted?: object): Promise<string>;
  /** May publish anything. */
  device(): Promise<MqttClient>;
  live(): WebSocket;
}

export const startBehindDoors = (env: Environment & { readonly MILEPOST_DATA_DIR: string }): Promise<Doors> =>
  process.env['TEST_LOCKED'] ? locked(env) : open(env);

async function open(env: Environment): Promise<Doors> {
  const program = await Program.start('appliance', { ...testSettings, ...kafkaSettings, ...env });
  const { http, mqtt } = program.ports;
  return {
    program,
    kafka: kafkaOf(program),
    http: async (path, posted) => {
      const headers = { 'content-type': 'application/json' };
      const post = posted && { method: 'POST', headers, body: JSON.stringify(posted) };
      return (await fetch(`http://127.0.0.1:${http}${path}`, post)).text();
    },
    device: () => connectAsync(`mqtt://127.0.0.1:${mqtt}`),
    live: () => new WebSocket(`ws://127.0.0.1:${http}/api/live`),
  };
}

async function locked(env: Environment & { readonly MILEPOST_DATA_DIR: string }): Promise<Doors> {
  const data = env['MILEPOST_DATA_DIR'];
  const said = await milepost(data, 'secure', '--name', 'localhost');
  const kafkaPort = await freePort();
  const file = join(data, 'settings.env');
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(':9093', `:${kafkaPort}`));
  const { MILEPOST_MQTT_PORT: _, MILEPOST_MQTT_WS_PORT: __, ...ports } = testSettings; // the file has them closed
  const tls = { MILEPOST_MQTTS_PORT: '0', MILEPOST_MQTT_WSS_PORT: '0' };
  const program = await Program.start('appliance', { ...ports, ...tls, ...env });
  const ca = readFileSync(join(data, 'security', 'ca.pem'), 'utf8');
  const token = (await milepost(data, 'users', 'token', 'tests', '--role', 'operator')).trim();
  const made = await milepost(data, 'devices', 'add', 'bridge', '--publish', '#');
  const headers = { authorization: `Bearer ${token}` };
  const { http, mqtts } = program.ports;
  return {
    program,
    kafka: {
      bootstrapServers: [`localhost:${kafkaPort}`],
      tls: { ca },
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'admin', password: /password (\S+) until/.exec(said)?.[1] ?? '' },
    },
    http: (path, posted) => call({ port: http, path, ca, headers }, posted),
    device: () =>
      connectAsync(`mqtts://localhost:${mqtts}`, {
        ca,
        username: 'bridge',
        password: /(\S+)\s*$/.exec(made)?.[1] ?? '',
      }),
    live: () => new WebSocket(`wss://localhost:${http}/api/live`, { ca, headers }),
  };
}

interface To {
  readonly port: number;
  readonly path: string;
  readonly ca: string;
  readonly headers: Readonly<Record<string, string>>;
}

function call(to: To, posted?: object): Promise<string> {
  const post = posted && { method: 'POST', headers: { ...to.headers, 'content-type': 'application/json' } };
  return new Promise((resolve, reject) => {
    const sent = request({ host: 'localhost', ...to, ...post }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject).on('end', () => resolve(text));
    });
    sent.on('error', reject).end(posted && JSON.stringify(posted));
  });
}

async function milepost(data: string, ...args: string[]): Promise<string> {
  const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...args];
  const env = { MILEPOST_DATA_DIR: data, NODE_OPTIONS: '' };
  const { status, stderr, stdout } = await command(process.execPath, cli, undefined, { env });
  if (status !== 0) throw new Error(`milepost ${args.join(' ')}: ${stderr}`);
  return stdout;
}
