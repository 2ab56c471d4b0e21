// Transactions of clients that we did not write: Kafka's own TransactionalMessageCopier with random aborts and its tool for
// transactions (transaction version 2), librdkafka's Python client (a version before it).
import { until } from '../e2e/support/until.ts';
import { check, command, type Report } from '../support/run.ts';
import { here } from './here.ts';
import type { Jvm } from './jvm.ts';

const RECORDS = 3_000;
/** Each question starts a JVM. */
const LIMIT_MS = 180_000;

export async function javaTransactionCases(report: Report, broker: string, jvm: Jvm): Promise<void> {
  const tool = (name: string, ...args: string[]) => jvm.run(`org.apache.kafka.tools.${name}`, args);
  const read = async (topic: string): Promise<string[]> => {
    const from = ['--bootstrap-server', broker, '--topic', topic, '--from-beginning', '--timeout-ms', '10000'];
    const { stdout } = await tool(
      'consumer.ConsoleConsumer',
      ...from,
      '--command-property',
      'isolation.level=read_committed',
    );
    return stdout.split('\n').filter(Boolean).toSorted();
  };

  await report.run('TransactionalMessageCopier copies each record once, with random aborts', async () => {
    const most = ['--max-messages', String(RECORDS), '--acks', '-1'];
    await tool('VerifiableProducer', '--bootstrap-server', broker, '--topic', 'txn-java-in', ...most);
    for (const partition of ['0', '1', '2', '3']) {
      const topics = ['--input-topic', 'txn-java-in', '--input-partition', partition, '--output-topic', 'txn-java-out'];
      const group = ['--consumer-group', 'txn-java', '--transactional-id', `copier-${partition}`];
      const size = ['--transaction-size', '100', '--enable-random-aborts', '--max-messages', String(RECORDS)];
      const copied = await tool('TransactionalMessageCopier', '--broker-list', broker, ...topics, ...group, ...size);
      check(copied.stdout.includes('"remaining":0'), `partition ${partition} is copied`, copied.stdout + copied.stderr);
    }
    const [wanted, found] = [await read('txn-java-in'), await read('txn-java-out')];
    check(wanted.length === RECORDS, 'all was written', wanted.length);
    check(JSON.stringify(found) === JSON.stringify(wanted), 'each record is copied once', found.length);
  });

  await report.run("Kafka's tool lists and describes transactions, and finds none that hangs", async () => {
    const ask = async (...args: string[]) =>
      (await tool('TransactionsCommand', '--bootstrap-server', broker, ...args)).stdout.trim();
    const listed = (await ask('list')).split('\n');
    // A partition without records has a copier without transactions.
    const id = listed.find((line) => line.includes('CompleteCommit'))?.split(/\s+/)[0] ?? '';
    check(id.startsWith('copier-'), 'the transactional id is listed', listed.join('; '));
    const described = await ask('describe', '--transactional-id', id);
    check(described.includes('CompleteCommit'), 'it is described', described);
    const hanging = await ask('find-hanging', '--broker-id', '1');
    check(hanging.split('\n').length === 1, 'none hangs', hanging);
  });

  const perform = (topic: string, id: string, transactionMs: number, records: number, perSecond: number): string[] => {
    const to = ['--bootstrap-server', broker, '--topic', topic, '--record-size', '100'];
    const transactions = ['--transactional-id', id, '--transaction-duration-ms', String(transactionMs)];
    return [...to, ...transactions, '--num-records', String(records), '--throughput', String(perSecond)];
  };

  await report.run('ProducerPerformance --transactional-id: all of its records are committed', async () => {
    const done = await tool('ProducerPerformance', ...perform('txn-java-perf', 'performer', 50, 2 * RECORDS, 2_000));
    check(done.stdout.includes(`${2 * RECORDS} records sent`), 'they are acknowledged', done.stdout + done.stderr);
    const found = await read('txn-java-perf');
    check(found.length === 2 * RECORDS, 'each is there once', found.length);
  });

  await report.run("Kafka's tool shows an open transaction and its producer, and ends it by force", async () => {
    const ask = async (...args: string[]) =>
      (await tool('TransactionsCommand', '--bootstrap-server', broker, ...args)).stdout.trim();
    let printed = '';
    const args = perform('txn-java-open', 'stubborn', 3_600_000, 1_000_000, 50);
    const stop = jvm.start('org.apache.kafka.tools.ProducerPerformance', args, (text) => (printed += text));
    try {
      const described = () => ask('describe', '--transactional-id', 'stubborn');
      const open = await until('the transaction is open', async () => openPartition(await described()), LIMIT_MS);
      const producers = await ask('describe-producers', '--topic', 'txn-java-open', '--partition', open);
      const [, startOffset] = /(\S+)\s*$/.exec(producers.split('\n')[1] ?? '') ?? [];
      check(startOffset === '0', 'the partition names its producer and where its transaction began', producers);
      await ask('forceTerminateTransaction', '--transactionalId', 'stubborn');
      const ended = await described();
      check(/\sEmpty\s/.test(ended), 'it is ended, and its producer replaced', ended);
      await until('its producer is fenced', () => /Fenced|InvalidProducerEpoch/.test(printed), LIMIT_MS);
    } finally {
      await stop();
    }
    check((await read('txn-java-open')).length === 0, 'nothing of it is visible', printed);
  });
}

/** A partition of the open transaction that `describe` tells of. */
const openPartition = (described: string): string | undefined =>
  /\sOngoing\s.*txn-java-open-(\d+)/.exec(described)?.[1];

/** Of a program that prints what it saw as one line of JSON. */
async function transactionProgram(report: Report, name: string, file: string, args: readonly string[]): Promise<void> {
  await report.run(`transactions of ${name}: committed ones are seen whole, a fenced producer is refused`, async () => {
    const { status, stdout, stderr } = await command(file, args);
    check(status === 0, 'the program ends well', stderr + stdout);
    const seen = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    const rounds = Array.from({ length: 10 }, (_, round) => round).filter((round) => round % 3 !== 2);
    const committed = rounds.flatMap((round) => Array.from({ length: 10 }, (_, n) => `${round}-${n}`));
    const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
    check(isSame(seen['committed'], [...committed, 'of the heir']), 'committed records are read', seen['committed']);
    check(isSame(seen['copied'], committed), 'they are copied once', seen['copied']);
    check(String(seen['fenced']).includes('FENCED'), 'the replaced producer is fenced', seen['fenced']);
  });
}

export const pythonTransactions = (report: Report, broker: string, python: string): Promise<void> =>
  transactionProgram(report, 'confluent-kafka', python, [here('python', 'transactions.py'), broker]);
