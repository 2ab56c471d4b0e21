// docs/COMPATIBILITY.md: from the list of handlers, the recorded responses of Apache Kafka, the list of allowed
// differences, and the results of the suites' last runs.
import { apiOf } from '@milepost/wire';
import { handlers } from '../../libs/broker/src/handlers/index.ts';
import { clientsTable } from '../interop/clients.ts';
import { type Allowed, better, harmless, missing } from './differential/allowed.ts';
import { readRecorded } from './differential/recorded.ts';
import type { Line } from './differential/stage.ts';
import { readResult } from './results.ts';
import { SAMPLE_MINUTES } from './sample.ts';

export function compatibilityPage(): string {
  return [
    '# Compatibility: the results of suites from other projects',
    '',
    'Written by `npm run docs` from the code, and from the results of the last whole runs of the suites.',
    '',
    "Apache Kafka 4.3.1's own result, in the same environment (one node, plaintext, no authorizer), is the judge: a test that",
    'it fails or skips proves nothing about this broker, a test that it passes must pass here. Linux x64, two',
    'shared cores, `MILEPOST_FLUSH=always` (an fsync before each acknowledgement).',
    '',
    ...suites(),
    '',
    ...clientsTable(),
    '',
    ...differences(),
    '',
    ...versions(),
    '',
    ...sampled(),
    '',
  ].join('\n');
}

const SUITES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  librdkafka: {
    bootstrap: 'librdkafka 2.15.1, tests that need a broker',
    sockem: '… connections cut and slowed (its socket emulation)',
    noautocreate: '… without automatic topics',
    share: '… share groups',
  },
  'librdkafka-consumer': { bootstrap: '… with groups of the new protocol (KIP-848)' },
  java: { bootstrap: "Apache Kafka's own command-line tools, 42 commands" },
  'franz-go': { broker: 'franz-go 1.22.2, `pkg/kgo`, tests that need a broker' },
};

const COMMANDS: Readonly<Record<string, string>> = {
  librdkafka: 'npm run test:compat -- librdkafka',
  'librdkafka-consumer': 'npm run test:compat -- librdkafka --protocol consumer',
  java: 'npm run test:compat -- java',
  'franz-go': 'npm run test:compat -- franz-go',
};

function suites(): string[] {
  const rows = Object.entries(SUITES).flatMap(([suite, kinds]) => {
    const result = readResult(suite);
    return Object.entries(kinds).map(([kind, title]) => {
      const { kafka, passed } = result?.kinds[kind] ?? { kafka: '', passed: 'not run' };
      return `| ${title} | ${kafka} | ${passed} | ${result?.date ?? ''} | \`${COMMANDS[suite]}\` |`;
    });
  });
  const failing = Object.keys(SUITES).flatMap((suite) => {
    const failed = Object.entries(readResult(suite)?.failed ?? {});
    return failed.map(([name, why]) => `| ${suite} | ${name} | ${cell(why)} |`);
  });
  const since = Object.keys(SUITES).flatMap((suite) => {
    const days = Map.groupBy(Object.entries(readResult(suite)?.since ?? {}), ([, day]) => day);
    return [...days].map(([day, tests]) => `${suite} ${tests.map(([name]) => name).join(', ')} (${day})`);
  });
  return [
    '| suite | Kafka passes | this broker passes | last run | command |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    ...(since.length === 0 ? [] : [`Run alone after those runs, and counted: ${since.join('; ')}.`, '']),
    'Test by test, with the reason for each that does not pass: [librdkafka](../test/compat/librdkafka/FINDINGS.md),',
    '[Java](../test/compat/java/FINDINGS.md), [franz-go](../test/compat/franz-go/FINDINGS.md). The tests that must pass are listed',
    'beside them, and a run fails when one of those fails. `--against kafka` runs them against a real Apache Kafka, `--must-pass` only',
    'those that must pass, `--only NAME,NAME` some.',
    '',
    '<details><summary>The tests that did not pass in those runs, with their messages</summary>',
    '',
    '| suite | test | message |',
    '|---|---|---|',
    ...failing,
    '',
    '</details>',
  ];
}

function differences(): string[] {
  const recorded = readRecorded();
  const scenarios = new Set(recorded.map(({ scenario }) => scenario)).size;
  const list = (title: string, entries: readonly Allowed[]): string[] => [
    `**${title}**`,
    '',
    ...[...Map.groupBy(entries, ({ why }) => why).keys()].map((why) => `- ${why}`),
    '',
  ];
  return [
    '## The same requests to both',
    '',
    `\`npm run test:compat -- differential\` sends the same ${count(recorded.length)} requests to a real Apache Kafka 4.3.1 and to this broker`,
    `(${scenarios} scenarios: valid requests, awkward ones, wrong ones) and compares the responses field by field. \`--recorded\` compares with`,
    "Kafka's recorded responses, without Java. All differences are listed, with their reasons, in",
    '[allowed.ts](../test/compat/differential/allowed.ts):',
    '',
    ...list('Not implemented yet', missing),
    ...list('Different on purpose', better),
    ...list('Without consequences', harmless),
  ];
}

function versions(): string[] {
  const apiKeys = kafkasRanges();
  const here = new Map(handlers.map(({ api }) => [api.key, api]));
  const rows = apiKeys.map(({ apiKey, minVersion, maxVersion }) => {
    const own = here.get(apiKey);
    const ours = own ? range(own.oldest, own.newest) : '';
    return `| ${apiKey} | ${apiOf(apiKey)?.name ?? NAMES[apiKey] ?? ''} | ${range(minVersion, maxVersion)} | ${ours} |`;
  });
  const complete = apiKeys.filter(({ apiKey, minVersion, maxVersion }) => {
    const own = here.get(apiKey);
    return own && own.oldest <= Math.max(minVersion, FIRST_PRODUCE[apiKey] ?? 0) && own.newest >= maxVersion;
  });
  return [
    '## APIs by version',
    '',
    `Of the ${apiKeys.length} APIs that Apache Kafka 4.3.1 advertises, ${complete.length} are supported in all of its versions.`,
    '',
    '| key | API | Kafka 4.3.1 | this broker |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Both advertise Produce 0 to 2 and refuse them: old clients compress only if these are advertised.',
  ];
}

interface Range {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

function kafkasRanges(): readonly Range[] {
  const isIt = ({ scenario, label }: Line): boolean => scenario === 'api-versions/each version' && label === 'v4';
  const line = readRecorded().find(isIt);
  if (!line) throw new Error("Apache Kafka's answer to ApiVersions v4 is not recorded");
  return (line.answer as { apiKeys: readonly Range[] }).apiKeys;
}

/** An advertised version is not always supported: see the note below the table. */
const FIRST_PRODUCE: Readonly<Record<number, number>> = { 0: 3 };

function sampled(): string[] {
  const minutes = Object.values(SAMPLE_MINUTES).reduce((sum, one) => sum + one, 0);
  return [
    '## The part in CI',
    '',
    `\`npm run test:compat -- sample\`, about ${minutes} minutes on two cores, including builds:`,
    Object.entries(SAMPLE_MINUTES)
      .map(([suite, own]) => `${suite} ${own}`)
      .join(', ') + '. A suite that a machine cannot run is skipped, with the reason; the',
    'comparison then falls back to recorded responses. The suites are built once, in `.cache/compat`: librdkafka needs a C compiler and',
    "Debian's `zlib1g-dev libzstd-dev rapidjson-dev libssl-dev`, franz-go needs Go 1.26, the comparison Java 17 and Maven.",
    `The last whole runs took ${wholeMinutes()} minutes.`,
  ];
}

const wholeMinutes = (): number =>
  Object.keys(SUITES).reduce((sum, suite) => sum + (readResult(suite)?.minutes ?? 0), 0);

const range = (oldest: number, newest: number): string => (oldest === newest ? String(oldest) : `${oldest}–${newest}`);
const count = (number: number): string => number.toLocaleString('en-US');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('`', "'");

/** Of what has no message here yet. */
const NAMES: Readonly<Record<number, string>> = {
  17: 'SaslHandshake',
  34: 'AlterReplicaLogDirs',
  36: 'SaslAuthenticate',
  38: 'CreateDelegationToken',
  39: 'RenewDelegationToken',
  40: 'ExpireDelegationToken',
  41: 'DescribeDelegationToken',
  50: 'DescribeUserScramCredentials',
  51: 'AlterUserScramCredentials',
  65: 'DescribeTransactions',
  66: 'ListTransactions',
  76: 'ShareGroupHeartbeat',
  77: 'ShareGroupDescribe',
  78: 'ShareFetch',
  79: 'ShareAcknowledge',
  80: 'AddRaftVoter',
  81: 'RemoveRaftVoter',
  83: 'InitializeShareGroupState',
  84: 'ReadShareGroupState',
  85: 'WriteShareGroupState',
  86: 'DeleteShareGroupState',
  87: 'ReadShareGroupStateSummary',
  88: 'StreamsGroupHeartbeat',
  89: 'StreamsGroupDescribe',
  90: 'DescribeShareGroupOffsets',
  91: 'AlterShareGroupOffsets',
  92: 'DeleteShareGroupOffsets',
};
