// `npm run bench [-- --seconds 5]`: figures, never verdicts.
import { parseArgs } from 'node:util';
import { type Row, percentile, report } from './figures.ts';
import { KafkaLoad } from './kafka-load.ts';
import { LoadClient } from './mqtt-load.ts';
import { ProgramUnderTest } from './program.ts';

const options = { seconds: { type: 'string', default: '5' } } as const;
const seconds = Number(parseArgs({ options }).values.seconds);
const MEGABYTE = 1e6;
const rows: Row[] = [];
const add = (name: string, value: number, unit: string, how: string): void =>
  void rows.push({ name, value, unit, how });

await start();
await ingest();
await broker('always');
await broker('os');
report(rows);

async function start(): Promise<void> {
  await (await ProgramUnderTest.start('appliance')).stop(); // fills the caches of the file system and of compiled code
  const program = await ProgramUnderTest.start('appliance');
  add('start of the appliance', program.startMs, 'ms', 'new data folder, PostgreSQL included');
  await sleep(3_000);
  add('idle memory', (await program.cost()).memoryBytes / MEGABYTE, 'MB', 'appliance, without its PostgreSQL');
  await program.stop();
}

async function ingest(): Promise<void> {
  const program = await ProgramUnderTest.start('appliance');
  const clients = await connected(program, 200, 'pipe');
  await pipelined(clients, 2); // warm
  const before = await program.cost();
  const { acknowledged, elapsedS } = await pipelined(clients, seconds);
  const after = await program.cost();
  add('positions, 200 pipelining clients', acknowledged / elapsedS, '/s', 'QoS 1, 50 on the way each, to the PUBACK');
  add(
    'server CPU per position',
    ((after.cpuSeconds - before.cpuSeconds) / acknowledged) * 1e6,
    'µs',
    'gateway, broker and both consumers',
  );
  add('memory under load', after.memoryBytes / MEGABYTE, 'MB', 'appliance, without its PostgreSQL');
  for (const client of clients) client.close();
  await singles(program);
  await steady(program);
  await program.stop();
}

async function pipelined(
  clients: readonly LoadClient[],
  forS: number,
): Promise<{ acknowledged: number; elapsedS: number }> {
  const began = performance.now();
  const isOver = (): boolean => performance.now() - began > forS * 1000;
  let acknowledged = 0;
  await Promise.all(clients.map((client) => client.pipeline(50, isOver, () => (acknowledged += 1))));
  return { acknowledged, elapsedS: (performance.now() - began) / 1000 };
}

/** 5,000 trucks that each send one position and wait for its PUBACK. */
async function singles(program: ProgramUnderTest): Promise<void> {
  const clients = await connected(program, 5_000, 'one');
  const before = await program.cost();
  const began = performance.now();
  let rounds = 0;
  for (; performance.now() - began < seconds * 1000; rounds++)
    await Promise.all(clients.map((client) => client.once()));
  const positions = rounds * clients.length;
  add(
    'positions, 5,000 clients of one packet',
    positions / ((performance.now() - began) / 1000),
    '/s',
    'QoS 1, one on the way each',
  );
  const cpu = (await program.cost()).cpuSeconds - before.cpuSeconds;
  add('server CPU per position, 5,000 clients', (cpu / positions) * 1e6, 'µs', '');
  for (const client of clients) client.close();
}

/** 2,000 positions a second from 500 trucks: the time to the PUBACK. */
async function steady(program: ProgramUnderTest): Promise<void> {
  const clients = await connected(program, 500, 'steady');
  const latencies: number[] = [];
  const waiting: Promise<void>[] = [];
  const ticks = Math.round(seconds * 200);
  const began = performance.now();
  for (let tick = 0; tick < ticks; tick++) {
    for (let n = 0; n < 10; n++) {
      const client = clients[(tick * 10 + n) % clients.length] as LoadClient;
      waiting.push(client.once().then((latencyMs) => void latencies.push(latencyMs)));
    }
    await sleep(Math.max(0, began + (tick + 1) * 5 - performance.now()));
  }
  await Promise.all(waiting);
  latencies.sort((a, b) => a - b);
  const how = 'PUBLISH to PUBACK, fsynced between';
  add('PUBACK p50 at 2,000/s', percentile(latencies, 0.5), 'ms', how);
  add('PUBACK p99 at 2,000/s', percentile(latencies, 0.99), 'ms', how);
  for (const client of clients) client.close();
}

async function connected(program: ProgramUnderTest, count: number, prefix: string): Promise<LoadClient[]> {
  const clients: LoadClient[] = [];
  for (let at = 0; at < count; at += 100) {
    const some = Array.from({ length: Math.min(100, count - at) }, (_, n) =>
      LoadClient.connect(program.ports.mqtt, `${prefix}-${at + n}`),
    );
    clients.push(...(await Promise.all(some)));
  }
  return clients;
}

async function broker(flush: 'always' | 'os'): Promise<void> {
  const program = await ProgramUnderTest.start('broker', { MILEPOST_FLUSH: flush });
  const client = await KafkaLoad.connect(program.ports.kafka);
  for (const [label, batchBytes, onTheWay] of [
    ['16 KB', 16_384, 100],
    ['1 MB', 1_000_000, 5],
  ] as const) {
    const topic = `bench-${batchBytes}`;
    await client.createTopic(topic);
    await client.produce(topic, batchBytes, onTheWay, 1); // warm
    const before = await program.cost();
    const perSecond = await client.produce(topic, batchBytes, onTheWay, seconds);
    const cpu = (await program.cost()).cpuSeconds - before.cpuSeconds;
    const how = `acks=all, flush=${flush}, 1 KB records, one partition, ${onTheWay} on the way`;
    add(`produce, ${label} batches`, perSecond / MEGABYTE, 'MB/s', how);
    add(`produce, ${label} batches: server CPU`, cpu / ((perSecond * seconds) / 1e9), 's/GB', how);
    if (flush === 'always') continue;
    const fetched = await client.fetch(topic, 1_048_576, seconds);
    add(`fetch, ${label} batches`, fetched / MEGABYTE, 'MB/s', '1 MB a fetch, one on the way, from the page cache');
  }
  client.close();
  await program.stop();
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
