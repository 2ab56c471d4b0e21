// The appliance under test: a separate process, and its cost by its own /metrics.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface Ports {
  readonly kafka: number;
  readonly mqtt: number;
  readonly http: number;
}

export interface Cost {
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
}

export class ProgramUnderTest {
  readonly ports: Ports;
  readonly startMs: number;
  readonly #kill: () => Promise<void>;

  private constructor(ports: Ports, startMs: number, kill: () => Promise<void>) {
    this.ports = ports;
    this.startMs = startMs;
    this.#kill = kill;
  }

  static async start(
    app: 'appliance' | 'broker',
    settings: Readonly<Record<string, string>> = {},
  ): Promise<ProgramUnderTest> {
    const data = mkdtempSync(join(tmpdir(), 'milepost-bench-'));
    chmodSync(data, 0o711);
    const ports = {
      MILEPOST_KAFKA_PORT: '0',
      MILEPOST_MQTT_PORT: '0',
      MILEPOST_MQTT_WS_PORT: 'off',
      MILEPOST_HTTP_PORT: '0',
    };
    const env = { ...process.env, ...ports, MILEPOST_DATA_DIR: data, MILEPOST_LOG_LEVEL: 'warn', ...settings };
    const began = performance.now();
    const args = ['tools/launch.mjs', 'milepost', app === 'appliance' ? 'up' : app];
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const ready = new Promise<Ports>((resolve, reject) => {
      void exited.then(() => reject(new Error(`the ${app} did not start`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ports: Ports }).ports);
      });
    });
    const stop = async (): Promise<void> => {
      child.kill('SIGINT');
      await exited;
      rmSync(data, { recursive: true, force: true });
    };
    return new ProgramUnderTest(await ready, performance.now() - began, stop);
  }

  async cost(): Promise<Cost> {
    const text = await (await fetch(`http://127.0.0.1:${this.ports.http}/metrics`)).text();
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
    return { cpuSeconds: value('process_cpu_seconds_total'), memoryBytes: value('process_resident_memory_bytes') };
  }

  stop(): Promise<void> {
    return this.#kill();
  }
}
