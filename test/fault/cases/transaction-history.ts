// Writers of transactions and a reader of committed records (librdkafka), and processes killed at random moments; then the history that
// they have seen is checked: test/support/transaction-history.ts.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { kafkajs } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { interpreter } from '../../interop/python.ts';
import { check, command } from '../../support/run.ts';
import { anomalies, type SeenRecord } from '../../support/transaction-history.ts';
import { type FaultCase, librdkafka } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { ForeignProgram } from '../support/foreign-program.ts';
import { TransactionalWriter } from '../support/transactional-writer.ts';

const TOPIC = 'history';
const PARTITIONS = 4;
const WRITERS = 3;
/** Transactions that each writer commits between two kills, at least. */
const PROGRESS = 5;
const MOST_MS_TO_KILL = 1_500;
/** For a start with its recovery, and the clients' reconnection. */
const RESUME_LIMIT_MS = 180_000;
const TARGETS = ['a writer', 'the appliance', 'a writer and the appliance', 'the appliance and PostgreSQL'] as const;
const READER = fileURLToPath(new URL('../python/committed_records.py', import.meta.url));

export const transactionHistory: FaultCase = {
  name: 'transaction-history',
  claim:
    'kill -9 of writers, of the appliance and of PostgreSQL loses, repeats, tears and shows no transaction that it should not',
  needs: [librdkafka],
  rounds: 4,
  async run({ rounds, note }) {
    const appliance = await Appliance.start();
    const broker = `127.0.0.1:${appliance.ports.kafka}`;
    await createTopic(appliance.ports.kafka);
    const target = { broker, topic: TOPIC, partitions: PARTITIONS };
    const writers = Array.from({ length: WRITERS }, (_, index) => new TransactionalWriter(`writer${index}`, target));
    const followed: SeenRecord[] = [];
    const readerArgs = (mode: string): string[] => [READER, broker, TOPIC, String(PARTITIONS), mode];
    const reader = new ForeignProgram(
      spawn(interpreter, readerArgs('follow'), { stdio: ['ignore', 'pipe', 'pipe'] }),
      (line) => void followed.push(seenRecord(line)),
    );

    const goesOn = async (): Promise<void> => {
      const before = writers.map((writer) => writer.countOf('committed'));
      const read = followed.length;
      await until(
        'every writer commits, and the reader reads',
        () => {
          const complaint = [...writers, reader].map((one) => one.complaint).find((text) => text !== undefined);
          check(complaint === undefined, 'writers and reader go on by themselves', complaint);
          const hasMoved = writers.every((one, n) => one.countOf('committed') >= (before[n] ?? 0) + PROGRESS);
          return hasMoved && followed.length > read;
        },
        RESUME_LIMIT_MS,
      );
    };

    for (let round = 0; round < rounds; round++) {
      await goesOn();
      await pause(Math.random() * MOST_MS_TO_KILL);
      const what = TARGETS[round % TARGETS.length] ?? '';
      const writer = what.includes('writer') ? writers[Math.floor(Math.random() * WRITERS)] : undefined;
      await writer?.kill();
      if (what.includes('PostgreSQL')) await appliance.kill();
      else if (what.includes('appliance')) await appliance.killNode();
      if (what.includes('appliance')) await appliance.start();
      writer?.restart();
      note(`kill ${round + 1} of ${rounds}: ${what}, after ${followed.length} committed records`);
    }

    await goesOn();
    for (const writer of writers) await writer.kill();
    for (const writer of writers) await writer.end();
    const all = await command(interpreter, readerArgs('all'));
    check(all.status === 0, 'the topic is read to its end', all.stderr);
    const final = all.stdout.split('\n').filter(Boolean).map(seenRecord);
    await until('the reader comes to the end', () => followed.length >= final.length);
    await reader.stop();
    const transactions = writers.flatMap((writer) => writer.transactions);
    const found = anomalies({ transactions, final, followed });
    check(found.length === 0, 'the history is one of transactions', found.slice(0, 10).join('\n'));
    const ends = Map.groupBy(transactions, ({ end }) => end);
    const counts = [...ends].map(([end, those]) => `${those.length} ${end}`).join(', ');
    note(`${transactions.length} transactions (${counts}), ${final.length} records visible: no anomaly`);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};

async function createTopic(port: number): Promise<void> {
  const admin = kafkajs(port).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
}

/** `<partition> <offset> <transaction> <index>` */
function seenRecord(line: string): SeenRecord {
  const [partition, offset, transaction = '', index] = line.split(' ');
  return { partition: Number(partition), offset: Number(offset), transaction, index: Number(index) };
}
