// Apache Kafka's own tools, as an operator runs them (docs/OPERATING.md).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../../e2e/support/until.ts';
import { dataFolder } from '../../support/program.ts';
import { check, command, type Finished } from '../../support/run.ts';
import type { Cluster } from './cluster.ts';
import { JARS } from './load.ts';

const REASSIGN = 'reassign.ReassignPartitionsCommand';
const REASSIGN_LIMIT_MS = 180_000;

interface Plan {
  readonly version: 1;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly replicas: readonly number[];
  }[];
}

/** Every replica on a broker that has a successor moves to that. */
export async function replaced(cluster: Cluster, successors: ReadonlyMap<number, number>): Promise<Plan> {
  const { partitions } = await cluster.describe();
  const moved = partitions
    .filter(({ replicas }) => replicas.some((id) => successors.has(id)))
    .map(({ name, replicas }) => ({
      topic: name.slice(0, name.lastIndexOf('-')),
      partition: Number(name.slice(name.lastIndexOf('-') + 1)),
      replicas: replicas.map((id) => successors.get(id) ?? id),
    }));
  check(moved.length > 0, `brokers ${[...successors.keys()].join(', ')} have replicas`, partitions);
  return { version: 1, partitions: moved };
}

/** `kafka-reassign-partitions.sh --generate`: the topic on these brokers only. */
export async function generated(cluster: Cluster, topic: string, brokers: readonly number[]): Promise<Plan> {
  const topics = join(dataFolder(), 'topics.json');
  writeFileSync(topics, JSON.stringify({ version: 1, topics: [{ topic }] }));
  const options = ['--topics-to-move-json-file', topics, '--broker-list', brokers.join(','), '--generate'];
  const done = await run(cluster, REASSIGN, options);
  const [, proposed] = /Proposed partition reassignment configuration\n(\{.*\})/.exec(done.stdout) ?? [];
  check(proposed !== undefined, 'the tool proposes a plan', said(done));
  return JSON.parse(proposed) as Plan;
}

/** `kafka-reassign-partitions.sh --execute`, then `--verify` until all has moved. */
export async function reassign(cluster: Cluster, plan: Plan): Promise<void> {
  const file = join(dataFolder(), 'plan.json');
  writeFileSync(file, JSON.stringify(plan));
  const tool = (step: string): Promise<Finished> => run(cluster, REASSIGN, ['--reassignment-json-file', file, step]);
  const executed = await tool('--execute');
  check(executed.stdout.includes('Successfully started'), 'the reassignment begins', said(executed));
  const isComplete = async (): Promise<boolean> => {
    const verified = await tool('--verify');
    const lines = verified.stdout.split('\n').filter((line) => line.startsWith('Reassignment of partition'));
    check(lines.length === plan.partitions.length, 'it tells of each partition', said(verified));
    return lines.every((line) => line.endsWith('is completed.'));
  };
  await until('every reassignment is completed', isComplete, REASSIGN_LIMIT_MS);
}

/** kafka-cluster.sh unregister: the broker is forgotten. */
export async function unregister(cluster: Cluster, id: number): Promise<void> {
  const done = await run(cluster, 'ClusterTool', ['unregister', '--id', String(id)]);
  check(done.stdout.includes(`Broker ${id} is no longer registered`), 'the broker is forgotten', said(done));
}

function run(cluster: Cluster, tool: string, args: readonly string[]): Promise<Finished> {
  const serving = cluster.ids.filter((id) => cluster.broker(id).isServing).map((id) => cluster.broker(id).address);
  const bootstrap = serving.map(({ host, port }) => `${host}:${port}`).join(',');
  const java = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error'];
  const main = ['-cp', `${JARS}/*`, `org.apache.kafka.tools.${tool}`];
  // ClusterTool takes its subcommand first.
  const [first = '', ...rest] = args;
  const options = first.startsWith('--')
    ? ['--bootstrap-server', bootstrap, ...args]
    : [first, '--bootstrap-server', bootstrap, ...rest];
  return command('java', [...java, ...main, ...options]);
}

const said = ({ status, stdout, stderr }: Finished): string => `${status}: ${stdout}${stderr}`;
