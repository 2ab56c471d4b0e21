// `npm run bench [-- --seconds 5 --only observing,scrape]`: figures, never verdicts. Results of a part alone are
// printed, not written.
import { parseArgs } from 'node:util';
import { type Row, percentile, report } from './figures.ts';
import { KafkaLoad } from './kafka-load.ts';
import { connected, measured, pipelined, sleep } from './load.ts';
import type { LoadClient } from './mqtt-load.ts';
import { observing } from './observing.ts';
import { ProgramUnderTest } from './program.ts';
import { measureScrape } from './scrape.ts';

const options = { seconds: { type: 'string', default: '5' }, only: { type: 'string' } } as const;
const { only, ...given } = parseArgs({ options }).values;
const seconds = Number(given.seconds);
const MEGABYTE = 1e6;
const rows: Row[] = [];
const add = (name: string, value: number, unit: string, how: string): void =>
  void rows.push({ name, value, unit, how });

const parts: Readonly<Record<string, () => Promise<void>>> = {
  start,
  pipelining: () => onAppliance(pipelining),
  singles: () => onAppliance(singles),
  steady: () => onAppliance(steady),
  always: () => broker('always'),
  os: () => broker('os'),
  observing: async () => void rows.push(...(await observing(seconds))),
  scrape,
};
const chosen = only?.split(',') ?? Object.keys(parts);
for (const name of chosen) {
  const part = parts[name];
  if (!part) throw new Error(`--only ${name}: expected of ${Object.keys(parts).join(', ')}`);
  await part();
}
report(rows, only === undefined);
process.exit();

async function scrape(): Promise<void> {
  const { medianCpuMs, partitions, series, worstCpuMs } = await measureScrape();
  const how = `${partitions} partitions, ${series} series, a group in half of them; CPU, not waiting`;
  add('a scrape, median of 60', medianCpuMs, 'ms', how);
  add('a scrape, the worst', worstCpuMs, 'ms', how);
}

async function start(): Promise<void> {
  await (await ProgramUnderTest.start('appliance')).stop(); // fills the caches of the file system and of compiled code
  const program = await ProgramUnderTest.start('appliance');
  add('start of the appliance', program.startMs, 'ms', 'new data folder, PostgreSQL included');
  await sleep(3_000);
  add('idle memory', (await program.cost()).memoryBytes / MEGABYTE, 'MB', 'appliance, without its PostgreSQL');
  await program.stop();
}

/** 200 trucks that continue to send while 50 of their positions wait for their PUBACKs. */
async function pipelining(program: ProgramUnderTest): Promise<void> {
  const clients = await connected(program, 200, 'pipe');
  await pipelined(clients, 50, 3); // warm
  const { perSecond, cpuMicroseconds } = await measured(program, () => pipelined(clients, 50, seconds));
  const how = 'QoS 1, 50 on the way each, to the PUBACK';
  add('positions, 200 pipelining clients', perSecond, '/s', how);
  add('server CPU per position', cpuMicroseconds, 'µs', 'gateway, broker and both consumers');
  add('memory under load', (await program.cost()).memoryBytes / MEGABYTE, 'MB', 'appliance, without its PostgreSQL');
}

/** 5,000 trucks that send a position when the previous one is acknowledged: each is a separate packet. */
async function singles(program: ProgramUnderTest): Promise<void> {
  const clients = await connected(program, 5_000, 'one');
  await pipelined(clients, 1, 2); // warm
  const { perSecond, cpuMicroseconds } = await measured(program, () => pipelined(clients, 1, seconds));
  add('positions, 5,000 clients of one packet', perSecond, '/s', 'QoS 1, one on the way each');
  add('server CPU per position, 5,000 clients', cpuMicroseconds, 'µs', 'a read and a write of the system for each');
}

/** 2,000 positions a second from 500 trucks: the time to the PUBACK. */
async function steady(program: ProgramUnderTest): Promise<void> {
  const clients = await connected(program, 500, 'steady');
  await publishSteadily(clients, 3); // warm
  let latencies: number[] = [];
  const { cpuMicroseconds } = await measured(program, async () => {
    latencies = await publishSteadily(clients, seconds);
    return { acknowledged: latencies.length, elapsedS: seconds };
  });
  latencies.sort((a, b) => a - b);
  const how = 'PUBLISH to PUBACK, fsynced between';
  add('PUBACK p50 at 2,000/s', percentile(latencies, 0.5), 'ms', how);
  add('PUBACK p99 at 2,000/s', percentile(latencies, 0.99), 'ms', how);
  add('server CPU per position at 2,000/s', cpuMicroseconds, 'µs', 'few positions share a commit');
}

async function publishSteadily(clients: readonly LoadClient[], forS: number): Promise<number[]> {
  const waiting: Promise<number>[] = [];
  const began = performance.now();
  for (let tick = 0; tick < forS * 200; tick++) {
    for (let n = 0; n < 10; n++) waiting.push((clients[(tick * 10 + n) % clients.length] as LoadClient).once());
    await sleep(Math.max(0, began + (tick + 1) * 5 - performance.now()));
  }
  return Promise.all(waiting);
}

/** On a separate appliance, which ends the connections when it stops. */
async function onAppliance(measure: (program: ProgramUnderTest) => Promise<void>): Promise<void> {
  const program = await ProgramUnderTest.start('appliance');
  await measure(program);
  await program.stop();
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
    if (flush === 'always') {
      const acks1 = await client.produce(topic, batchBytes, onTheWay, seconds, 1);
      add(`produce, ${label} batches, acks=1`, acks1 / MEGABYTE, 'MB/s', how.replace('acks=all', 'acks=1'));
      continue;
    }
    const fetched = await client.fetch(topic, 1_048_576, seconds);
    add(`fetch, ${label} batches`, fetched / MEGABYTE, 'MB/s', '1 MB a fetch, one on the way, from the page cache');
  }
  client.close();
  await program.stop();
}
