// The programs of docs/DELIVERY.md do what the page promises. Each is killed in the middle of its work and restarted, twice, and
// runs to the end of the topic; then the records that it has handled are counted.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import kafkajs from 'kafkajs';
import { check, type Report } from '../support/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Where the programs find kafkajs. */
const FOLDER = join(ROOT, '.cache', 'delivery');
const RECORDS = 60;
const LAST = `record ${RECORDS - 1}`;
const KILLS = 2;
/** The records of a run before its kill. */
const BEFORE_KILL = 15;

export async function deliveryCases(report: Report, broker: string): Promise<void> {
  const programs = programsOf(readFileSync(join(ROOT, 'docs', 'DELIVERY.md'), 'utf8'));
  const kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.ERROR, connectionTimeout: 30_000 });
  const values = Array.from({ length: RECORDS }, (_, n) => `record ${n}`);
  await report.run('the inputs of the programs of docs/DELIVERY.md are written', () => prepare(kafka, values));
  mkdirSync(FOLDER, { recursive: true });
  try {
    await report.run('at most once: no record is handled twice through kills', async () => {
      const handled = await printed(programs, 'At most once', broker);
      const twice = handled.filter((value, place) => handled.indexOf(value) !== place);
      check(twice.length === 0, 'nothing is handled twice', twice);
      check(handled.length > KILLS * BEFORE_KILL, 'the program continues after its kills', handled);
    });
    await report.run('at least once: every record is handled through kills', async () => {
      const handled = new Set(await printed(programs, 'At least once', broker));
      const missing = values.filter((value) => !handled.has(value));
      check(missing.length === 0, 'everything is handled', missing);
    });
    await report.run('exactly once: every record is handled once through kills', async () => {
      const outputs = await transferred(programs, 'Exactly once', broker, kafka);
      check(outputs.toSorted().join() === values.toSorted().join(), 'each record is handled once', outputs);
    });
  } finally {
    rmSync(FOLDER, { recursive: true, force: true });
  }
}

/** By their titles. */
type Programs = ReadonlyMap<string, string>;

function programsOf(page: string): Programs {
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => [section.split('\n')[0] ?? '', /^```js\n(.*?)^```$/ms.exec(section)?.[1] ?? '']),
  );
}

async function prepare(kafka: kafkajs.Kafka, values: readonly string[]): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  const topics = ['inputs', 'outputs'].map((topic) => ({ topic, numPartitions: 1 }));
  await admin.createTopics({ topics, waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic: 'inputs', messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** The records that a program prints, over all its runs; the last run ends with the last record. */
async function printed(programs: Programs, title: string, broker: string): Promise<string[]> {
  const handled: string[] = [];
  for (let run = 0; run <= KILLS && handled.at(-1) !== LAST; run++) {
    const program = start(programs, title, broker);
    const isLast = run === KILLS;
    let ofRun = 0;
    for await (const line of createInterface({ input: program.stdout as NodeJS.ReadableStream })) {
      const value = /^handled (.*)$/.exec(line)?.[1];
      if (value === undefined) continue;
      handled.push(value);
      ofRun += 1;
      if (value === LAST || (!isLast && ofRun === BEFORE_KILL)) program.kill('SIGKILL');
    }
  }
  return handled;
}

/** The records that a reader with read_committed finds in `outputs`, up to the last one. */
async function transferred(programs: Programs, title: string, broker: string, kafka: kafkajs.Kafka): Promise<string[]> {
  const outputs: string[] = [];
  const reader = kafka.consumer({ groupId: 'reader of outputs', readUncommitted: false });
  await reader.connect();
  await reader.subscribe({ topic: 'outputs', fromBeginning: true });
  let program = start(programs, title, broker);
  const isThrough = new Promise<void>((resolve) => {
    void reader.run({
      eachMessage: async ({ message }) => {
        outputs.push(String(message.value).replace('handled ', ''));
        if (outputs.length % BEFORE_KILL === 0 && outputs.length <= KILLS * BEFORE_KILL) {
          program.kill('SIGKILL');
          program = start(programs, title, broker);
        }
        if (outputs.at(-1) === LAST) resolve();
      },
    });
  });
  await isThrough;
  program.kill('SIGKILL');
  await reader.disconnect();
  return outputs;
}

function start(programs: Programs, title: string, broker: string): ChildProcess {
  const source = programs.get(title) ?? '';
  check(source !== '', 'the page has the program', title);
  const file = join(FOLDER, `${title.replaceAll(' ', '-')}.mjs`);
  writeFileSync(file, source);
  return spawn(process.execPath, [file], {
    env: { ...process.env, BOOTSTRAP: broker, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}
