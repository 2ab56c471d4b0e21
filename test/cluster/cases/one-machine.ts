// `milepost up --brokers 3`, as a user runs it.
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import client from 'kafkajs';
import { kafkajs } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { freePort } from '../../support/free-port.ts';
import { cleanUpWith, dataFolder, Program, testSettings } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import type { ClusterCase } from '../cluster-case.ts';

const SETTLE_LIMIT_MS = 180_000;

export const oneMachine: ClusterCase = {
  name: 'one-machine',
  needs: [() => (process.platform === 'linux' ? undefined : 'it finds the processes in /proc, which only Linux has')],
  claim: '`up --brokers 3` is one cluster with three replicas; a killed broker is started again; Ctrl-C stops all',
  async run({ note }) {
    const folder = dataFolder();
    const port = await freePort();
    const settings = {
      ...testSettings,
      MILEPOST_DATA_DIR: folder,
      MILEPOST_KAFKA_PORT: String(port),
      MILEPOST_LOG_LEVEL: 'warn',
      KAFKA_BROKER_SESSION_TIMEOUT_MS: '6000',
    };
    await refusesATakenPort(settings, port + 2);
    const program = await Program.start('appliance', settings, ['--brokers', '3']);
    const others = brokersBeside(folder);
    check(others.length === 2, 'two more brokers run', others);
    cleanUpWith(() => others.forEach(killIfAlive));
    await inSync(port, ['truck_gps', 'truck_status', '__consumer_offsets']);
    note('truck_gps and __consumer_offsets have three replicas in sync, and need two');

    const [victim = -1] = others;
    process.kill(victim, 'SIGKILL');
    await program.says(/has ended \(SIGKILL\): starting it again/);
    await until('the killed broker is replaced', () => brokersBeside(folder).length === 2, SETTLE_LIMIT_MS);
    await inSync(port, ['truck_gps']);
    note('a killed broker was started again, and is in sync');

    const rest = brokersBeside(folder);
    cleanUpWith(() => rest.forEach(killIfAlive));
    check((await program.stop()) === 0, 'Ctrl-C stops all of it cleanly', program.log);
    check(brokersBeside(folder).length === 0, 'no broker is left', brokersBeside(folder));

    const orphans = await Program.start('appliance', settings, ['--brokers', '2']);
    const [orphan = -1] = brokersBeside(folder);
    cleanUpWith(() => killIfAlive(orphan));
    await orphans.kill();
    await until('a broker whose appliance was killed stops', () => brokersBeside(folder).length === 0, SETTLE_LIMIT_MS);
  },
};

async function refusesATakenPort(settings: Readonly<Record<string, string>>, port: number): Promise<void> {
  const taker = createServer();
  await new Promise<void>((resolve) => taker.listen(port, '127.0.0.1', resolve));
  const { status, log } = await Program.run('appliance', settings, ['--brokers', '3']);
  taker.close();
  const lines = log.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  const isRefused = status === 1 && lines.length === 1 && lines[0]?.includes(String(port));
  check(isRefused === true, 'a taken port is refused in one line', `${status}: ${log}`);
}

/** All of their partitions have three replicas, all in sync, and acks=all needs two. */
async function inSync(port: number, topics: string[]): Promise<void> {
  const admin = kafkajs(port).admin();
  await admin.connect();
  try {
    const isWhole = async (): Promise<boolean> => {
      const seen = await admin.fetchTopicMetadata({ topics });
      return seen.topics.every(({ partitions }) =>
        partitions.every(({ replicas, isr }) => replicas.length === 3 && isr.length === 3),
      );
    };
    await until(
      `${topics.join(', ')} have three replicas in sync`,
      () => isWhole().catch(() => false),
      SETTLE_LIMIT_MS,
    );
    const resources = topics.map((name) => ({ type: client.ConfigResourceTypes.TOPIC, name }));
    const configs = await admin.describeConfigs({ resources, includeSynonyms: false });
    const least = configs.resources.map(({ configEntries }) =>
      configEntries.find(({ configName }) => configName === 'min.insync.replicas'),
    );
    check(
      least.every((entry) => entry?.configValue === '2'),
      'min.insync.replicas is 2',
      least,
    );
  } finally {
    await admin.disconnect();
  }
}

/** The processes of broker programs whose data is in this folder. */
function brokersBeside(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => read(`/proc/${pid}/cmdline`).includes('broker/src/main'))
    .filter((pid) => read(`/proc/${pid}/environ`).includes(`MILEPOST_DATA_DIR=${folder}/broker-`))
    .map(Number);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}
