// `npm run test:compat -- librdkafka|franz-go|java [--protocol consumer] [--against ours|kafka|host:port] [--only
// NAME,NAME] [--must-pass | --all] [--jobs 2] [--write]`: suites of other projects. Runs the tests that Apache Kafka
// itself passes (`--all`: the others too, which prove nothing about us). Fails when a test of the must-pass list does.
// `--write` stores the results of a whole run; a run of some tests replaces theirs in it.
// `-- differential [--recorded]`: see differential/run.ts. `-- sample`: some of each, for CI.
import { parseArgs } from 'node:util';
import { type BrokerUnderTest, startBroker } from './brokers.ts';
import { differential } from './differential/run.ts';
import { FranzGo } from './franz-go.ts';
import { JavaTools } from './java/suite.ts';
import { kafkaJars } from './kafka-jars.ts';
import { librdkafka } from './librdkafka.ts';
import { SAMPLE } from './sample.ts';
import { missing } from '../support/run.ts';
import type { Entry, Suite } from './suite.ts';
import { Tally } from './tally.ts';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    protocol: { type: 'string', default: 'classic' },
    against: { type: 'string', default: 'ours' },
    only: { type: 'string' },
    'must-pass': { type: 'boolean', default: false },
    all: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '2' },
    judge: { type: 'string', default: 'kafka' },
    recorded: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});

switch (positionals[0]) {
  case 'sample':
    await runSample();
    break;
  case 'differential':
    await differential(values);
    break;
  default:
    await runSuite(suiteNamed(positionals[0], values.protocol));
}

async function runSuite(suite: Suite): Promise<void> {
  const absent = await suite.prepare();
  if (absent === undefined) await runAll(suite, chosen(suite));
  else process.stdout.write(`skipped ${suite.name}: ${absent}\n`);
}

/** One after another, because each uses both cores. A suite that is unavailable here is skipped, with the reason. */
async function runSample(): Promise<void> {
  const noJudge = await kafkaJars().then(
    () => missing('java', '-version'),
    (failure: unknown) => (failure as Error).message,
  );
  if (noJudge) process.stdout.write(`Apache Kafka itself is not asked: ${noJudge}\n`);
  await differential({ ...values, recorded: noJudge !== undefined });
  for (const [name, only] of Object.entries(SAMPLE)) {
    values.only = only;
    values['must-pass'] = true;
    values.jobs = name === 'java' ? '1' : '2'; // its commands build on each other
    const isConsumer = name.endsWith('-consumer');
    await runSuite(suiteNamed(isConsumer ? 'librdkafka' : name, isConsumer ? 'consumer' : 'classic'));
  }
}

function suiteNamed(name: string | undefined, protocol: string): Suite {
  if (name === 'franz-go') return new FranzGo();
  if (name === 'librdkafka') return librdkafka(protocol === 'consumer' ? 'consumer' : 'classic');
  if (name === 'java') return new JavaTools();
  throw new Error(`a suite: expected librdkafka, franz-go, java, differential or sample, seen ${name ?? 'nothing'}`);
}

function chosen({ entries, mustPass }: Suite): Entry[] {
  const only = values.only?.split(',');
  const isWanted = ({ name, kafka }: Entry): boolean => {
    if (only && !only.some((one) => name.startsWith(one))) return false;
    return values['must-pass'] ? mustPass.has(name) : values.all || kafka === 'PASSED';
  };
  return entries.filter(isWanted);
}

/** Tests that need another kind of broker come after the others, with a separate broker. */
async function runAll(suite: Suite, entries: readonly Entry[]): Promise<void> {
  const tally = new Tally(suite);
  const isApart = ({ kind }: Entry): boolean => kind === 'noautocreate';
  for (const group of [entries.filter((one) => !isApart(one)), entries.filter(isApart)]) {
    if (group[0] === undefined) continue;
    const broker = await startBroker(values.against, group[0].kind);
    try {
      await runGroup(suite, group, broker, tally);
    } finally {
      await broker.stop();
    }
  }
  await suite.close?.();
  const isCounted = values.write && !values.all && values.against === 'ours';
  if (isCounted) tally.write(!values.only && !values['must-pass']);
  tally.close();
}

async function runGroup(suite: Suite, entries: readonly Entry[], broker: BrokerUnderTest, tally: Tally): Promise<void> {
  const left = [...entries];
  const worker = async (): Promise<void> => {
    for (let entry = left.shift(); entry; entry = left.shift()) {
      const began = performance.now();
      const verdict = await suite.run(entry, broker);
      tally.add(entry, verdict, (performance.now() - began) / 1_000);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, worker));
}
