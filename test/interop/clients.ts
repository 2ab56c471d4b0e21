// The clients of `npm run test:interop`, and their cases: the table of clients in docs/COMPATIBILITY.md.
import { readResult, type Result, writeResult } from '../compat/results.ts';
import type { Outcome } from '../support/run.ts';

interface Asked {
  readonly client: string;
  /** Its cases, by the beginnings of their names. */
  readonly cases: RegExp;
  readonly codecs: string;
  readonly groups: string;
  readonly also: string;
}

const all = 'none gzip snappy lz4 zstd';
const administration = 'topics, partitions, configs, records deleted, groups, offsets';

const ASKED: readonly Asked[] = [
  {
    client: 'kcat (librdkafka 2.0)',
    cases: /kcat (lists|produces|group)/,
    codecs: all,
    groups: 'classic',
    also: 'metadata, idempotence',
  },
  {
    client: 'Java 4.3.1: producer, consumer',
    cases: /^Verifiable|^kcat reads what Java/,
    codecs: all,
    groups: 'classic, consumer',
    also: 'both ways with kcat',
  },
  {
    client: 'Java: ConsumerGroupCommand, ConsoleConsumer',
    cases: /^Consol|^ConsumerGroup/,
    codecs: '',
    groups: 'classic, consumer',
    also: 'members and states, resets, deletions, `__consumer_offsets` by its formatters',
  },
  {
    client: 'Java: DumpLogSegments',
    cases: /compact/i,
    codecs: all,
    groups: '',
    also: 'what the cleaner wrote, indexes included',
  },
  {
    client: 'Java: Kafka Streams',
    cases: /Streams application/,
    codecs: '',
    groups: 'its own assignor',
    also: 'repartition topic, changelog restored',
  },
  {
    client: 'Java: TransactionalMessageCopier, ProducerPerformance, TransactionsCommand',
    cases: /^TransactionalMessageCopier|^ProducerPerformance|^Kafka's tool/,
    codecs: '',
    groups: '',
    also: 'transactions: copied once with random aborts, listed, described, ended by force',
  },
  {
    client: 'Java: MirrorMaker 2',
    cases: /^MirrorMaker/,
    codecs: 'zstd',
    groups: '',
    also: 'reads from here into Apache Kafka',
  },
  { client: 'kafkajs 2.2', cases: /^kafkajs/, codecs: 'none gzip', groups: 'classic', also: administration },
  {
    client: "Nest's Kafka transport 12.1",
    cases: /^Nest/,
    codecs: 'none',
    groups: 'classic',
    also: 'requests and replies',
  },
  {
    client: '@platformatic/kafka 2.12',
    cases: /^platformatic/,
    codecs: all,
    groups: 'classic, consumer',
    also: administration,
  },
  {
    client: 'Python: confluent-kafka 2.16',
    cases: /^confluent-kafka|^transactions of confluent-kafka/,
    codecs: all,
    groups: 'classic, consumer',
    also: administration,
  },
  { client: 'Python: aiokafka 0.14', cases: /^aiokafka/, codecs: all, groups: 'classic', also: administration },
  { client: 'Python: kafka-python 3.0', cases: /^kafka-python/, codecs: all, groups: 'classic', also: administration },
  { client: 'Go: sarama 1.61', cases: /^sarama/, codecs: all, groups: 'classic', also: administration },
];

/** Of a whole run. */
export function writeClients(outcomes: readonly Outcome[], minutes: number): void {
  const kinds: Record<string, { kafka: number; passed: number }> = {};
  for (const { client, cases } of ASKED) {
    const own = outcomes.filter(({ name }) => cases.test(name));
    kinds[client] = { kafka: own.length, passed: own.filter(({ problem }) => problem === undefined).length };
  }
  const failed = Object.fromEntries(
    outcomes.flatMap(({ name, problem }) => (problem === undefined ? [] : [[name, problem]])),
  );
  writeResult('interop', { date: new Date().toISOString().slice(0, 10), minutes, kinds, failed } satisfies Result);
}

export function clientsTable(): string[] {
  const result = readResult('interop');
  const rows = ASKED.map(({ client, codecs, groups, also }) => {
    const { kafka, passed } = result?.kinds[client] ?? { kafka: 0, passed: 0 };
    return `| ${client} | ${codecs} | ${groups} | ${also} | ${kafka === 0 ? 'not run' : `${passed} of ${kafka}`} |`;
  });
  return [
    '## Client by feature',
    '',
    `Run by \`npm run test:interop\`; last whole run ${result?.date ?? 'never'}, ${result?.minutes ?? 0} minutes. Each writes and reads each codec it`,
    'supports with keys and headers, in groups that continue where they stopped.',
    '',
    '| client | codecs | groups | also | cases passed |',
    '|---|---|---|---|---|',
    ...rows,
  ];
}
