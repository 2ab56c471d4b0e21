// A broker with a data folder that outlives it: ours or a real Apache Kafka 4.3.1, to be stopped, killed and restarted.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { nodeNetwork } from '@milepost/node-host';
import { RawClient } from '../../libs/broker/src/testing/raw-client.ts';
import { kafkaProperties, listening } from '../compat/brokers.ts';
import { freePort } from '../support/free-port.ts';
import { kafkaJars } from '../compat/kafka-jars.ts';
import { run } from '../compat/suite.ts';

export type Kind = 'milepost' | 'kafka';

const SOURCES = ['--max-semi-space-size=16', '--enable-source-maps', '--import', './tools/swc-hook.mjs'];
/** Enough for 10,000 partitions; Kafka's own scripts use 1 GB too. */
const KAFKA_HEAP = '-Xmx1g';

export const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-bench-'));
  chmodSync(folder, 0o711); // the embedded PostgreSQL does not run as root
  return folder;
};

export class Server {
  readonly port: number;
  readonly startMs: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number, startMs: number) {
    this.#child = child;
    const kill = (): void => void child.kill('SIGTERM');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.port = port;
    this.startMs = startMs;
  }

  /** Resolves when it responds to clients. */
  static async start(kind: Kind, folder: string, settings: Readonly<Record<string, string>> = {}): Promise<Server> {
    return kind === 'kafka' ? Server.#startKafka(folder) : Server.#startOurs(folder, settings);
  }

  static async #startOurs(folder: string, settings: Readonly<Record<string, string>>): Promise<Server> {
    const env = {
      UV_THREADPOOL_SIZE: '16',
      ...process.env,
      MILEPOST_DATA_DIR: folder,
      MILEPOST_KAFKA_PORT: '0',
      MILEPOST_HTTP_PORT: '0',
      MILEPOST_LOG_LEVEL: 'warn',
      ...settings,
    };
    const began = performance.now();
    const args = [...SOURCES, 'apps/broker/src/main.ts'];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const port = await new Promise<number>((resolve, reject) => {
      child.once('exit', (status) => reject(new Error(`the broker ended with ${status}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ports: { kafka: number } }).ports.kafka);
      });
    });
    return new Server(child, port, performance.now() - began);
  }

  static async #startKafka(folder: string): Promise<Server> {
    const java = [KAFKA_HEAP, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(await kafkaJars(), '*')];
    const config = join(folder, 'server.properties');
    const portFile = join(folder, 'port');
    if (!existsSync(config)) {
      const [port, controller] = [await freePort(), await freePort()];
      mkdirSync(join(folder, 'logs'));
      writeFileSync(config, kafkaProperties('bench', { port, controller, logs: join(folder, 'logs') }));
      writeFileSync(portFile, String(port));
      const format = ['kafka.tools.StorageTool', 'format', '-t', 'MkU3OEVBNTcwNTJENDM2Qg', '-c', config];
      const { status, output } = await run('kafka-format', 'java', [...java, ...format]);
      if (status !== 0) throw new Error(`Kafka's storage could not be made: ${output.trim()}`);
    }
    const port = Number(readFileSync(portFile, 'utf8'));
    const began = performance.now();
    const child = spawn('java', [...java, 'kafka.Kafka', config], { stdio: ['ignore', 'ignore', 'ignore'] });
    await listening(child, port);
    return new Server(child, port, performance.now() - began);
  }

  client(): Promise<RawClient> {
    return RawClient.connect(nodeNetwork, { host: '127.0.0.1', port: this.port });
  }

  /** Of the process, without its PostgreSQL. */
  get memoryBytes(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  }

  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const ended = new Promise<void>((resolve) => void this.#child.once('exit', () => resolve()));
    this.#child.kill(signal);
    await ended;
  }
}

export const removeFolder = (folder: string): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
