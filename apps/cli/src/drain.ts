// `milepost drain`: waits until the broker of this machine can be stopped, for a step before a stop, such as Kubernetes' preStop. It
// can be when every partition that it holds has enough other replicas in sync: acks=all goes on without it, and nothing depends on its
// disk. The stop itself (SIGTERM) then moves its leaderships to them. Changes nothing.
import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { readSettings } from '@milepost/settings';
import type { TolerantAdmin } from '@milepost/streams';
import { withAdmin } from './kafka.ts';
import { say } from './words.ts';

const LOOK_MS = 1_000;
const DEFAULT_SECONDS = '300';
/** Kafka's number of the kind of resource. */
const TOPIC = 2;

export interface HeldPartition {
  readonly name: string;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  /** min.insync.replicas of its topic */
  readonly minIsr: number;
}

export async function drain(args: readonly string[]): Promise<void> {
  const { brokerId } = readSettings('broker', process.env);
  const seconds = secondsOf(args);
  const until = performance.now() + seconds * 1_000;
  let told: string | undefined;
  for (;;) {
    const [first, ...more] = partitionsAtRisk(await withAdmin(held), brokerId);
    if (first === undefined) break;
    const others = more.length === 0 ? '' : ` and ${more.length} more`;
    const problem = `without broker ${brokerId} ${first} would have too few replicas in sync${others}`;
    if (performance.now() > until)
      throw new Error(
        `not drained after ${seconds} s: ${problem}: start the brokers that are away, or wait for longer (--seconds)`,
      );
    if (problem !== told) say(`drain: ${problem}: waiting`);
    told = problem;
    await pause(LOOK_MS);
  }
  process.stdout.write(`broker ${brokerId} can be stopped\n`);
}

/** The names of those that would have fewer in-sync replicas without the broker than acks=all needs, or none. */
export function partitionsAtRisk(partitions: readonly HeldPartition[], brokerId: number): string[] {
  return partitions
    .filter(({ replicas, isr, minIsr }) => {
      const others = isr.filter((id) => id !== brokerId).length;
      // With fewer replicas than that, nothing would be gained by a wait.
      const needed = Math.min(Math.max(1, minIsr), replicas.length - 1);
      return isr.includes(brokerId) && others < needed;
    })
    .map(({ name }) => name);
}

/** Every partition of the cluster, as this broker sees it now. */
async function held(admin: TolerantAdmin): Promise<HeldPartition[]> {
  const names = await admin.listTopics({ includeInternals: true });
  if (names.length === 0) return [];
  const { topics } = await admin.metadata({ topics: names, autocreateTopics: false });
  const minIsrs = await minIsrOf(admin, names);
  return [...topics].flatMap(([topic, { partitions }]) =>
    partitions.map(({ replicas, isr }, index) => ({
      name: `${topic}-${index}`,
      replicas,
      isr,
      minIsr: minIsrs.get(topic) ?? 1,
    })),
  );
}

async function minIsrOf(admin: TolerantAdmin, names: readonly string[]): Promise<Map<string, number>> {
  const configurationKeys = ['min.insync.replicas'];
  const resources = names.map((resourceName) => ({ resourceType: TOPIC, resourceName, configurationKeys }) as const);
  const described = await admin.describeConfigs({ resources });
  return new Map(described.map(({ resourceName, configs }) => [resourceName, Number(configs[0]?.value ?? 1)]));
}

function secondsOf(args: readonly string[]): number {
  const { seconds } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: DEFAULT_SECONDS } },
  }).values;
  if (/^\d{1,6}$/.test(seconds)) return Number(seconds);
  throw new Error(`--seconds: expected a whole number of seconds, got "${seconds}"`);
}
