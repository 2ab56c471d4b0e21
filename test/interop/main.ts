// `npm run test:interop`: clients that we did not write, against a broker of ours in a process of its own.
// `npm run test:interop -- --bootstrap host:port` asks another broker (a real Apache Kafka) the same questions.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { javaCases } from './java.ts';
import { kcatCases } from './kcat.ts';
import { Report } from '../support/run.ts';

const { bootstrap } = parseArgs({ options: { bootstrap: { type: 'string' } } }).values;
const report = new Report();
const own = bootstrap === undefined ? await startBroker() : undefined;
const broker = bootstrap ?? `127.0.0.1:${own?.port}`;
try {
  await kcatCases(report, broker);
  await javaCases(report, broker);
} finally {
  await own?.stop();
}
report.close();

async function startBroker(): Promise<{ port: number; stop(): Promise<void> }> {
  const data = mkdtempSync(join(tmpdir(), 'milepost-interop-'));
  chmodSync(data, 0o711);
  const env = {
    ...process.env,
    MILEPOST_DATA_DIR: data,
    MILEPOST_KAFKA_PORT: '0',
    MILEPOST_HTTP_PORT: '0',
    MILEPOST_LOG_LEVEL: 'warn',
    KAFKA_NUM_PARTITIONS: '4',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  };
  const child = spawn(process.execPath, ['--import', './tools/swc-hook.mjs', 'apps/broker/src/main.ts'], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<number>((resolve, reject) => {
    void exited.then(() => reject(new Error('the broker did not start')));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"ready"')) resolve((JSON.parse(line) as { ports: { kafka: number } }).ports.kafka);
    });
  });
  return {
    port: await ready,
    async stop() {
      child.kill('SIGINT');
      await exited;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
