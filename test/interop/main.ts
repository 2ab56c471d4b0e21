// `npm run test:interop [-- --only node,python]`: clients that we did not write, against our broker in a separate
// process. `-- --bootstrap host:port` runs them against another broker (a real Apache Kafka); `-- --write` after a
// whole run saves the results for docs/COMPATIBILITY.md.
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Report } from '../support/run.ts';
import { bearerCases } from './bearer.ts';
import { writeClients } from './clients.ts';
import { compactionCases } from './compaction.ts';
import { deliveryCases } from './delivery.ts';
import { groupCommandCases } from './group-commands.ts';
import { verifiableCases } from './java.ts';
import { withJvm } from './jvm.ts';
import { kcatCases } from './kcat.ts';
import { loginCases } from './login.ts';
import { mirrorCases } from './mirror.ts';
import { mosquittoCases } from './mosquitto.ts';
import { nodeCases } from './node.ts';
import { pythonCases } from './python.ts';
import { rightsCases } from './rights.ts';
import { saramaCases } from './sarama.ts';
import { schemaCases } from './schemas.ts';
import { streamsCases } from './streams.ts';
import { tokenCases } from './tokens.ts';
import { javaTransactionCases } from './transactions.ts';
import { transactionFileCases } from './transaction-files.ts';

const families = {
  kcat: kcatCases,
  java: withJvm("Java's producers and consumers", verifiableCases),
  groups: withJvm("Java's tools for groups", groupCommandCases),
  compaction: withJvm(
    'compacted topics',
    compactionCases(() => own?.logFolder),
  ),
  transactions: withJvm('files of transactions', transactionFileCases),
  transactional: withJvm("Java's transactions", javaTransactionCases),
  streams: withJvm('Kafka Streams', streamsCases),
  mirror: withJvm('MirrorMaker 2', mirrorCases),
  rights: withJvm('locked doors', rightsCases),
  login: loginCases,
  bearer: bearerCases,
  tokens: withJvm('tokens, quotas and sessions of users', tokenCases),
  delivery: deliveryCases,
  mosquitto: mosquittoCases,
  node: nodeCases,
  python: pythonCases,
  schemas: schemaCases,
  go: saramaCases,
};

const { bootstrap, only, write } = parseArgs({
  options: { bootstrap: { type: 'string' }, only: { type: 'string' }, write: { type: 'boolean', default: false } },
}).values;
const began = performance.now();
const report = new Report();
const own = bootstrap === undefined ? await startBroker() : undefined;
const broker = bootstrap ?? `127.0.0.1:${own?.port}`;
try {
  for (const [name, cases] of Object.entries(families))
    if (only === undefined || only.split(',').includes(name)) await cases(report, broker);
} finally {
  await own?.stop();
}
report.close();
if (write) writeClients(report.outcomes, Math.ceil((performance.now() - began) / 60_000));

async function startBroker(): Promise<{ port: number; logFolder: string; stop(): Promise<void> }> {
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
    KAFKA_LOG_CLEANER_BACKOFF_MS: '200',
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
    logFolder: join(data, 'log'),
    async stop() {
      child.kill('SIGINT');
      await exited;
      rmSync(data, { recursive: true, force: true });
    },
  };
}
