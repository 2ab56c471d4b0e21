// Side by side with Apache Kafka 4.3.1: the same client program, the same settings, alternating (A B A B …), after each
// broker has been warmed up. Of every figure the median, the least and the most; ratios are computed round by round.
import { type Row, rounded } from '../figures.ts';
import {
  consume,
  type Latencies,
  type Moved,
  produce,
  produceEvenly,
  type Production,
  transact,
  type Transactions,
} from './client.ts';
import { Peer } from './peer.ts';

export interface Size {
  readonly rounds: number;
  readonly warmBytes: number;
  readonly bytes: number;
  readonly latencySeconds: number;
  /** Of 10 records each; a tenth as many of 1,000. */
  readonly transactions: number;
}

/** A JVM runs at half its speed for its first 500 MB: warming up with less than a gigabyte would flatter us. */
export const FULL: Size = { rounds: 5, warmBytes: 1.2e9, bytes: 1e9, latencySeconds: 20, transactions: 1_000 };
/** A check that it works. Its figures mean nothing. */
export const QUICK: Size = { rounds: 2, warmBytes: 3e7, bytes: 3e7, latencySeconds: 2, transactions: 50 };

const RECORD_BYTES = 1000;
const GIGABYTE = 1e9;
const MEGABYTE = 1e6;

const batches = { '16k': { bytes: 16_384, words: '16 KB batches' }, '1m': { bytes: 1_000_000, words: '1 MB batches' } };
type BatchSize = keyof typeof batches;

export const kafkaRows: Readonly<Record<string, (size: Size) => Promise<Row[]>>> = {
  'produce-16k': (size) => producing('16k', size),
  'produce-1m': (size) => producing('1m', size),
  'produce-acks-1': (size) => producing('16k', size, { acks: 1 }),
  'produce-lz4': (size) => producing('16k', size, { codec: 'lz4' }),
  'produce-zstd': (size) => producing('16k', size, { codec: 'zstd' }),
  'fetch-16k': (size) => fetching('16k', size),
  'fetch-1m': (size) => fetching('1m', size),
  latency,
  'transactions-10': (size) => transacting(10, size.transactions, size),
  'transactions-1000': (size) => transacting(1_000, size.transactions / 10, size),
};

const production = (batch: BatchSize, totalBytes: number): Production => ({
  recordBytes: RECORD_BYTES,
  batchBytes: batches[batch].bytes,
  count: Math.ceil(totalBytes / RECORD_BYTES),
});

async function producing(batch: BatchSize, size: Size, more: Pick<Production, 'acks' | 'codec'> = {}): Promise<Row[]> {
  const { acks = 'all', codec } = more;
  const send = (peer: Peer, topic: string, total: number): Promise<Moved> =>
    produce(peer.bootstrap, topic, { ...production(batch, total), ...more });
  return sideBySide(
    `produce, ${batches[batch].words}${codec ? `, ${codec}` : ''}${acks === 1 ? ', acks=1' : ''}`,
    `acks=${acks}, ${RECORD_BYTES} B records${codec ? ' of text' : ''}, one partition, librdkafka`,
    [() => Peer.kafka(), () => Peer.ours('always'), () => Peer.ours('os')],
    size,
    async (peer) => {
      await send(peer, 'warm', size.warmBytes);
      await peer.deleteTopic('warm');
    },
    (peer, round) => send(peer, `round-${round}`, size.bytes),
    (peer, round) => peer.deleteTopic(`round-${round}`),
  );
}

async function fetching(batch: BatchSize, size: Size): Promise<Row[]> {
  const what = production(batch, size.warmBytes);
  return sideBySide(
    `fetch, ${batches[batch].words}`,
    `${RECORD_BYTES} B records, one partition, from the page cache, librdkafka`,
    [() => Peer.kafka(), () => Peer.ours('os')],
    size,
    async (peer) => {
      await produce(peer.bootstrap, 'log', what);
      await consume(peer.bootstrap, 'log', what.count);
    },
    (peer) => consume(peer.bootstrap, 'log', what.count),
  );
}

/** The others are compared with the first peer. */
async function sideBySide(
  name: string,
  how: string,
  starts: readonly (() => Promise<Peer>)[],
  { rounds }: Size,
  warm: (peer: Peer) => Promise<unknown>,
  move: (peer: Peer, round: number) => Promise<Moved>,
  tidy: (peer: Peer, round: number) => Promise<void> = async () => {},
): Promise<Row[]> {
  return onPeers(starts, async (peers) => {
    for (const peer of peers) await warm(peer);
    for (const peer of peers) peer.forgetPeak();
    const taken = peers.map((peer) => ({ peer, perSecond: [] as number[], cpu: [] as number[] }));
    for (let round = 0; round < rounds; round++)
      for (const { peer, perSecond, cpu } of taken) {
        const before = peer.cpuSeconds;
        const { seconds, bytes } = await move(peer, round);
        perSecond.push(bytes / seconds / MEGABYTE);
        cpu.push((peer.cpuSeconds - before) / (bytes / GIGABYTE));
        await tidy(peer, round);
      }
    const [kafka] = taken;
    return taken.flatMap((one) => [
      spread(`${name}: ${one.peer.name}`, one.perSecond, 'MB/s', how),
      spread(`${name}: ${one.peer.name}: server CPU`, one.cpu, 's/GB', how),
      { name: `${name}: ${one.peer.name}: peak memory`, value: one.peer.peakMemoryBytes / MEGABYTE, unit: 'MB', how },
      ...(kafka === undefined || one === kafka
        ? []
        : [
            spread(`${name}: ${one.peer.name} / Kafka`, ratios(one.perSecond, kafka.perSecond), 'x', 'MB/s'),
            spread(`${name}: ${one.peer.name} / Kafka: server CPU`, ratios(one.cpu, kafka.cpu), 'x', 's/GB'),
          ]),
    ]);
  });
}

/** Both run simultaneously: an idle one hardly affects the other, and the rounds can alternate. */
async function onPeers(
  starts: readonly (() => Promise<Peer>)[],
  measure: (peers: readonly Peer[]) => Promise<Row[]>,
): Promise<Row[]> {
  const peers: Peer[] = [];
  try {
    for (const start of starts) peers.push(await start());
    return await measure(peers);
  } finally {
    for (const peer of peers) await peer.stop();
  }
}

const LATENCY_RECORD_BYTES = 100;
const PER_SECOND = 5_000;

async function latency(size: Size): Promise<Row[]> {
  const how = `${LATENCY_RECORD_BYTES} B records, ${PER_SECOND}/s, linger 0, acks=all, librdkafka, from the call to the answer`;
  return onPeers([() => Peer.kafka(), () => Peer.ours('os'), () => Peer.ours('always')], async (peers) => {
    const evenly = (peer: Peer, seconds: number): Promise<Latencies> =>
      produceEvenly(peer.bootstrap, 'latency', LATENCY_RECORD_BYTES, PER_SECOND, PER_SECOND * seconds);
    for (const peer of peers) {
      await produce(peer.bootstrap, 'warm', production('16k', size.warmBytes));
      await evenly(peer, size.latencySeconds);
    }
    const taken = peers.map((peer) => ({ peer, heard: [] as Latencies[] }));
    for (let round = 0; round < size.rounds; round++)
      for (const { peer, heard } of taken) heard.push(await evenly(peer, size.latencySeconds));
    return taken.flatMap(({ peer, heard }) =>
      (['p50Ms', 'p99Ms', 'p999Ms'] as const).map((which) =>
        spread(
          `produce latency: ${peer.name}: ${which.slice(0, -2)}`,
          heard.map((one) => one[which]),
          'ms',
          how,
        ),
      ),
    );
  });
}

/** One after another by one producer: what a client waits for. Warmed up with twice as many as are measured. */
async function transacting(records: number, count: number, { rounds }: Size): Promise<Row[]> {
  const how = `${records} records of ${LATENCY_RECORD_BYTES} B each, one partition, librdkafka, one after another`;
  return onPeers([() => Peer.kafka(), () => Peer.ours('always'), () => Peer.ours('os')], async (peers) => {
    const run = (peer: Peer, topic: string): Promise<Transactions> =>
      transact(peer.bootstrap, topic, { recordBytes: LATENCY_RECORD_BYTES, records, count });
    for (const peer of peers) for (const topic of ['warm-1', 'warm-2']) await run(peer, topic);
    const taken = peers.map((peer) => ({ peer, each: [] as Transactions[] }));
    for (let round = 0; round < rounds; round++)
      for (const { peer, each } of taken) each.push(await run(peer, `transactions-${round}`));
    const [kafka] = taken;
    return taken.flatMap((one) => {
      const name = `transactions of ${records}: ${one.peer.name}`;
      const rates = ({ each }: typeof one) => each.map(({ perSecond }) => perSecond);
      const against = (their: NonNullable<typeof kafka>): Row =>
        spread(`${name} / Kafka`, ratios(rates(one), rates(their)), 'x', 'transactions/s');
      return [
        spread(name, rates(one), '/s', how),
        ...(['p50Ms', 'p99Ms'] as const).map((which) =>
          spread(
            `${name}: ${which.slice(0, -2)}`,
            one.each.map((round) => round[which]),
            'ms',
            how,
          ),
        ),
        ...(kafka === undefined || one === kafka ? [] : [against(kafka)]),
      ];
    });
  });
}

function spread(name: string, values: readonly number[], unit: string, how: string): Row {
  const sorted = values.toSorted((a, b) => a - b);
  const [least = Number.NaN, most = Number.NaN] = [sorted[0], sorted.at(-1)];
  const value = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  return { name, value, unit, least, most, how: `${how} (${rounded(least)} to ${rounded(most)})` };
}

const ratios = (ours: readonly number[], theirs: readonly number[]): number[] =>
  ours.map((value, round) => value / (theirs[round] ?? Number.NaN));
