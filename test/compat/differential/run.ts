// `npm run test:compat -- differential [--only NAME,NAME] [--recorded] [--write]`: the same requests to a real Apache
// Kafka and to this broker, with the responses compared field by field.
//
// --judge host:port: a running Kafka. --recorded: Kafka's responses as recorded, no Java needed. --write: records them
// again. A scenario plays once on each broker, several at a time, with its own names.
import { type BrokerUnderTest, LOCKED, startBroker } from '../brokers.ts';
import { type Allowed, allowed } from './allowed.ts';
import { type Difference, differencesOf } from './compare.ts';
import { readRecorded, record } from './recorded.ts';
import { scenarios } from './scenarios/index.ts';
import { type Line, type Scenario, Stage, Unanswered } from './stage.ts';
import { warmUp } from './warm-up.ts';

const AT_A_TIME = 8;
const KIND = 'differential';

export interface Options {
  readonly only?: string;
  readonly recorded: boolean;
  readonly write: boolean;
  /** The broker under test: ours, or host:port. */
  readonly against: string;
  /** `kafka`, or a running Kafka. */
  readonly judge: string;
}

export async function differential({ only, recorded, write, against, judge }: Options): Promise<void> {
  const named = scenarios.filter(({ name }) => !only || only.split(',').some((one) => name.startsWith(one)));
  const isRunning = [against, ...(recorded ? [] : [judge])].some((one) => one.includes(':'));
  const wanted = isRunning ? named.filter(({ isLocked }) => !isLocked) : named;
  if (wanted.length < named.length)
    process.stdout.write('skipped: scenarios with an authorizer; a running broker is without one\n');
  if (wanted.length === 0) throw new Error(`no scenario is called ${only}`);
  const names = new Set(wanted.map(({ name }) => name));
  let kafka = recorded ? recordedOf(names) : await played(wanted, judge);
  if (!recorded && !write) kafka = await playedAgain(wanted, kafka, judge);
  if (write) record(kafka, new Set(scenarios.map(({ name }) => name)));
  const ours = await played(wanted, against);
  report(differencesOf(kafka, ours), { scenarios: wanted.length, answers: kafka.length, isWhole: !only });
  if (!recorded && !write) warnOfOldRecords(kafka, names);
}

const recordedOf = (names: ReadonlySet<string>): Line[] => readRecorded().filter(({ scenario }) => names.has(scenario));

/**
 * A scenario in which Kafka's responses differ from the recorded ones is played again: some of them depend on the
 * progress of other work. The later response counts.
 */
async function playedAgain(wanted: readonly Scenario[], kafka: Line[], judge: string): Promise<Line[]> {
  const names = new Set(wanted.map(({ name }) => name));
  const differing = new Set(differencesOf(recordedOf(names), kafka).map(({ where }) => where.split(' · ')[0]));
  const again = wanted.filter(({ name }) => differing.has(name));
  if (again.length === 0) return kafka;
  process.stdout.write(`not as recorded, played again: ${again.map(({ name }) => name).join(', ')}\n`);
  return [...kafka.filter(({ scenario }) => !differing.has(scenario)), ...(await played(again, judge))];
}

/** On two brokers, one after the other: without an authorizer and with one. */
async function played(wanted: readonly Scenario[], against: string): Promise<Line[]> {
  const open = wanted.filter(({ isLocked }) => !isLocked);
  const locked = wanted.filter(({ isLocked }) => isLocked);
  return [...(await playedOn(KIND, open, against)), ...(await playedOn(LOCKED, locked, against))];
}

async function playedOn(kind: string, wanted: readonly Scenario[], against: string): Promise<Line[]> {
  if (wanted.length === 0) return [];
  const broker = await startBroker(against, kind);
  const began = performance.now();
  try {
    await warmUp(broker);
    const transcripts: (readonly Line[])[] = [];
    const left = [...wanted.entries()];
    const worker = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) transcripts[next[0]] = await play(next[1], broker);
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
    process.stdout.write(
      `${against}: ${wanted.length} scenarios, ${((performance.now() - began) / 1_000).toFixed(1)} s\n`,
    );
    return transcripts.flat();
  } finally {
    await broker.stop();
  }
}

/**
 * A scenario that ends early because a broker does not respond is compared up to there, and its end is compared, too.
 * @throws an error of the scenario itself
 */
async function play(scenario: Scenario, broker: BrokerUnderTest): Promise<readonly Line[]> {
  const stage = new Stage(scenario.name, broker);
  const began = performance.now();
  try {
    await scenario.play(stage);
  } catch (failure) {
    if (!(failure instanceof Unanswered)) throw new Error(`${scenario.name} cannot go on`, { cause: failure });
    stage.note('stopped', failure.message);
  } finally {
    await stage.close();
    if (process.env['SCENARIO_TIMES'])
      process.stdout.write(`${((performance.now() - began) / 1_000).toFixed(1)} s ${scenario.name}\n`);
  }
  return stage.transcript;
}

function report(
  differences: readonly Difference[],
  { scenarios: count, answers, isWhole }: { scenarios: number; answers: number; isWhole: boolean },
): void {
  const used = new Set<RegExp>();
  let refused = 0;
  for (const { where, kafka, ours } of differences) {
    const matching = allowed.filter((one) => isAllowed(one, { where, kafka, ours }));
    for (const one of matching) used.add(one.where);
    if (matching.length > 0) continue;
    refused++;
    process.stdout.write(`${where}\n    Kafka: ${shown(kafka)}\n    ours:  ${shown(ours)}\n`);
  }
  const idle = isWhole ? allowed.filter(({ where }) => !used.has(where)) : [];
  for (const { where, why } of idle)
    process.stdout.write(`allowed, but there is no such difference: ${where} (${why})\n`);
  const excused = differences.length - refused;
  process.stdout.write(
    `differential: ${count} scenarios, ${answers} answers; ${refused} differences, ${excused} more are allowed\n`,
  );
  if (refused > 0 || idle.length > 0) process.exitCode = 1;
}

/** The texts about either side are patterns for the shown value. */
const isAllowed = ({ where, kafka, ours }: Allowed, difference: Difference): boolean =>
  where.test(difference.where) &&
  (kafka === undefined || kafka.test(shown(difference.kafka))) &&
  (ours === undefined || ours.test(shown(difference.ours)));

/** Shows scenarios that race with a clock inside Kafka. */
function warnOfOldRecords(kafka: readonly Line[], names: ReadonlySet<string>): void {
  const old = differencesOf(recordedOf(names), kafka);
  for (const { where, kafka: before, ours: now } of old.slice(0, 20))
    process.stdout.write(
      `Kafka itself answered otherwise when it was recorded: ${where}: ${shown(before)}, now ${shown(now)}\n`,
    );
  if (old.length > 0) process.exitCode = 1;
}

const MOST_SHOWN = 400;
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, MOST_SHOWN) ?? 'absent';
