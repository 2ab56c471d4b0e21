// Kafka Streams' counts have no duplicate and no gap. The output is compared record for record: each word's counts, in the order of
// the log, must be 1, 2, 3 … up to the number of times that the input has the word.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { kafkajs, readAll } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { Jvm } from '../../interop/jvm.ts';
import { dataFolder } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import { type FaultCase, java } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { ForeignProgram } from '../support/foreign-program.ts';
import { LineWriter } from '../support/line-writer.ts';

const INPUT = 'lines';
const OUTPUT = 'counts';
const PARTITIONS = 4;
/** Counts that are committed between two kills, at least. */
const PROGRESS = 100;
const MOST_MS_TO_KILL = 3_000;
/** For a start with its recovery, a rebalance that waits for a killed member, and a state restored from its changelog. */
const RESUME_LIMIT_MS = 300_000;
const TARGETS = ['the application', 'the appliance', 'both, and PostgreSQL'] as const;

const lineOf = (number: number): string => `even${number % 7} odd${number % 5}`;
const javaFile = (name: string): string => fileURLToPath(new URL(`../java/${name}.java`, import.meta.url));

export const streamsExactlyOnce: FaultCase = {
  name: 'streams-exactly-once',
  claim:
    'Kafka Streams in exactly_once_v2 counts each record once, through kill -9 of it, of the appliance and of PostgreSQL',
  needs: [java],
  rounds: 3,
  async run({ rounds, note }) {
    const jvm = await Jvm.found();
    if (typeof jvm === 'string') throw new Error(jvm);
    const appliance = await Appliance.start({ KAFKA_NUM_PARTITIONS: String(PARTITIONS) });
    const broker = `127.0.0.1:${appliance.ports.kafka}`;
    await createTopics(appliance.ports.kafka);
    const writer = LineWriter.start(appliance.ports.kafka, INPUT, lineOf);

    const followed: string[] = [];
    const follower = new ForeignProgram(
      jvm.launch(javaFile('CommittedRecords'), [broker, OUTPUT, 'follow']),
      (line) => void followed.push(line),
    );
    const state = join(dataFolder(), 'state');
    mkdirSync(state);
    const startApplication = (): ForeignProgram =>
      new ForeignProgram(jvm.launch(javaFile('ExactlyOnceCounts'), [broker, INPUT, OUTPUT, state]));
    let application = startApplication();
    const seen = (): string => application.complaint ?? follower.complaint ?? '';
    const reached = (what: string, isReached: () => boolean): Promise<true> =>
      until(
        what,
        () => {
          check(seen() === '', 'Streams and the reader go on by themselves', seen());
          return isReached();
        },
        RESUME_LIMIT_MS,
      );

    for (let round = 0; round < rounds; round++) {
      const before = followed.length;
      await reached('counts are committed', () => followed.length >= before + PROGRESS);
      await pause(Math.random() * MOST_MS_TO_KILL);
      const target = TARGETS[round % TARGETS.length];
      if (target !== 'the appliance') await application.kill();
      if (target === 'the appliance') await appliance.killNode();
      if (target === 'both, and PostgreSQL') await appliance.kill();
      if (target !== 'the application') await appliance.start();
      if (target !== 'the appliance') application = startApplication();
      note(`kill ${round + 1} of ${rounds}: ${target}, after ${followed.length} committed counts`);
    }

    await writer.stop();
    const lines = await readAll(appliance.ports.kafka, INPUT);
    const keys = new Set(lines.map(({ key }) => key));
    const lost = writer.acknowledged.filter((key) => !keys.has(key));
    check(lost.length === 0, 'every acknowledged line is there', lost.slice(0, 5));
    const expected = Map.groupBy(
      lines.flatMap(({ value }) => value.split(' ')),
      (word) => word,
    );
    const total = lines.length * 2;
    await reached(`${total} counts are committed`, () => followed.length >= total);
    await application.stop();
    await follower.stop();
    const all = await jvm.run(javaFile('CommittedRecords'), [broker, OUTPUT, 'all']);
    check(all.status === 0, 'the output is read', all.stderr);
    const found = all.stdout.split('\n').filter(Boolean);
    verify(found, new Map([...expected].map(([word, times]) => [word, times.length])));
    check(byPlace(followed) === byPlace(found), 'nothing that a reader saw was taken back or came later', {
      followed: followed.length,
      found: found.length,
    });
    note(`${lines.length} lines, ${found.length} counts: none is missing, none is there twice`);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};

async function createTopics(port: number): Promise<void> {
  const admin = kafkajs(port).admin();
  await admin.connect();
  const topics = [INPUT, OUTPUT].map((topic) => ({ topic, numPartitions: PARTITIONS }));
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
}

/** `found`: partition, offset, word, count; a word has one partition. */
function verify(found: readonly string[], expected: ReadonlyMap<string, number>): void {
  const counts = Map.groupBy(
    found.map((line) => line.split(' ')),
    ([, , word]) => word ?? '',
  );
  check(counts.size === expected.size, 'all words are counted, and no other', [...counts.keys()]);
  for (const [word, times] of expected) {
    const ofWord = (counts.get(word) ?? []).map(([, , , count]) => Number(count));
    const wrong = ofWord.findIndex((count, index) => count !== index + 1);
    check(wrong < 0, `the counts of ${word} are 1, 2, 3 …`, ofWord.slice(Math.max(0, wrong - 2), wrong + 3));
    check(ofWord.length === times, `${word} is counted ${times} times`, ofWord.length);
  }
}

/** The lines by partition and offset, in any order of the partitions. */
const byPlace = (lines: readonly string[]): string => lines.toSorted().join('\n');
