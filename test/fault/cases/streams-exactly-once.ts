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

const WORDS_A_LINE = 2;
const lineOf = (number: number): string => `even${number % 7} odd${number % 5}`;
const javaFile = (name: string): string => fileURLToPath(new URL(`../java/${name}.java`, import.meta.url));

export const streamsExactlyOnce: FaultCase = {
  name: 'streams-exactly-once',
  claim:
    'Kafka Streams in exactly_once_v2 counts each record once, through kill -9 of it, of the appliance and of PostgreSQL',
  needs: [java],
  rounds: 3,
  async run({ rounds, note }) {
    const counting = await Counting.start();
    for (let round = 0; round < rounds; round++) {
      await counting.goesOn();
      await pause(Math.random() * MOST_MS_TO_KILL);
      const target = TARGETS[round % TARGETS.length] ?? 'the application';
      await counting.kill(target);
      note(`kill ${round + 1} of ${rounds}: ${target}, after ${counting.followed.length} committed counts`);
    }
    const { lines, expected } = await counting.inputs();
    const found = await counting.finish(lines * WORDS_A_LINE);
    verify(found, expected);
    const seen = { followed: counting.followed.length, found: found.length };
    check(isSame(counting.followed, found), 'nothing that a reader saw was taken back or came later', seen);
    note(`${lines} lines, ${found.length} counts: none is missing, none is there twice`);
    await counting.stop();
  },
};

/** The input, the application, and a reader of committed records that reads its output all along. */
class Counting {
  /** By the reader, in its order: partition, offset, word, count. */
  readonly followed: string[] = [];
  readonly #jvm: Jvm;
  readonly #appliance: Appliance;
  readonly #writer: LineWriter;
  readonly #reader: ForeignProgram;
  readonly #state = join(dataFolder(), 'state');
  #application: ForeignProgram;

  private constructor(jvm: Jvm, appliance: Appliance) {
    this.#jvm = jvm;
    this.#appliance = appliance;
    mkdirSync(this.#state);
    this.#writer = LineWriter.start(appliance.ports.kafka, INPUT, lineOf);
    const follow = jvm.launch(javaFile('CommittedRecords'), [this.#broker, OUTPUT, 'follow']);
    this.#reader = new ForeignProgram(follow, (line) => void this.followed.push(line));
    this.#application = this.#startApplication();
  }

  static async start(): Promise<Counting> {
    const jvm = await Jvm.found();
    if (typeof jvm === 'string') throw new Error(jvm);
    const appliance = await Appliance.start({ KAFKA_NUM_PARTITIONS: String(PARTITIONS) });
    await createTopics(appliance.ports.kafka);
    return new Counting(jvm, appliance);
  }

  /** Resolves when more counts are committed and read. */
  goesOn(): Promise<void> {
    return this.#reached(this.followed.length + PROGRESS);
  }

  /** Resolves when they run again. */
  async kill(target: (typeof TARGETS)[number]): Promise<void> {
    if (target !== 'the appliance') await this.#application.kill();
    if (target === 'the appliance') await this.#appliance.killNode();
    if (target === 'both, and PostgreSQL') await this.#appliance.kill();
    if (target !== 'the application') await this.#appliance.start();
    if (target !== 'the appliance') this.#application = this.#startApplication();
  }

  /** Ends the input. `expected`: how often it has each word. */
  async inputs(): Promise<{ readonly lines: number; readonly expected: ReadonlyMap<string, number> }> {
    await this.#writer.stop();
    const lines = await readAll(this.#appliance.ports.kafka, INPUT);
    const keys = new Set(lines.map(({ key }) => key));
    const lost = this.#writer.acknowledged.filter((key) => !keys.has(key));
    check(lost.length === 0, 'every acknowledged line is there', lost.slice(0, 5));
    const expected = new Map<string, number>();
    for (const word of lines.flatMap(({ value }) => value.split(' ')))
      expected.set(word, (expected.get(word) ?? 0) + 1);
    return { lines: lines.length, expected };
  }

  /** The whole output, read anew after `total` counts are committed and the application has ended. */
  async finish(total: number): Promise<string[]> {
    await this.#reached(total);
    await this.#application.stop();
    await this.#reader.stop();
    const all = await this.#jvm.run(javaFile('CommittedRecords'), [this.#broker, OUTPUT, 'all']);
    check(all.status === 0, 'the output is read', all.stderr);
    return all.stdout.split('\n').filter(Boolean);
  }

  async stop(): Promise<void> {
    check((await this.#appliance.stop()) === 0, 'a clean stop', this.#appliance.log);
  }

  get #broker(): string {
    return `127.0.0.1:${this.#appliance.ports.kafka}`;
  }

  #startApplication(): ForeignProgram {
    return new ForeignProgram(
      this.#jvm.launch(javaFile('ExactlyOnceCounts'), [this.#broker, INPUT, OUTPUT, this.#state]),
    );
  }

  async #reached(count: number): Promise<void> {
    const isReached = (): boolean => {
      const complaint = this.#application.complaint ?? this.#reader.complaint;
      check(complaint === undefined, 'Streams and the reader go on by themselves', complaint);
      return this.followed.length >= count;
    };
    await until(`${count} counts are committed`, isReached, RESUME_LIMIT_MS);
  }
}

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

/** In any order of the partitions. */
const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.toSorted().join('\n') === other.toSorted().join('\n');
