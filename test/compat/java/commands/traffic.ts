// Records in and out, and their rates: Kafka's own producers and consumers with this broker, with and without quotas.
import { check, type Command, type Tools } from '../command.ts';
import { textFile } from '../json-file.ts';

export const traffic: readonly Command[] = [
  {
    name: 'VerifiableProducer',
    async run(tools) {
      const topic = await tools.topic('verifiable');
      const args = ['--topic', topic, '--max-messages', '2000', '--acks', '-1'];
      await tools.prints(tools.apart('VerifiableProducer', ...args), /"name":"tool_data".*"acked":2000/);
    },
  },
  {
    name: 'ConsoleProducer',
    async run(tools) {
      const topic = await tools.topic('console', '--partitions', '1');
      const args = ['--bootstrap-server', tools.bootstrap, '--topic', topic];
      await tools.prints(tools.plain('ConsoleProducer', args, 'one\ntwo\nthree\n'));
      await tools.prints(tools.run('GetOffsetShell', '--topic', topic), new RegExp(`^${topic}:0:3$`, 'm'));
    },
  },
  {
    name: 'ProducerPerformance',
    async run(tools) {
      const topic = await tools.topic('perf');
      for (const codec of ['none', 'zstd']) {
        const out = await tools.fill(topic, 5_000, `compression.type=${codec}`);
        check(/5000 records sent, [\d.]+ records\/sec/.test(out), 'a rate', out);
      }
    },
  },
  {
    name: 'ConsumerPerformance',
    async run(tools) {
      const topic = await tools.topic('consume');
      await tools.fill(topic, 5_000);
      const out = await consumed(tools, topic, 5_000);
      check(out.records === 5_000, '5000 records', out.text);
    },
  },
  {
    name: 'EndToEndLatency',
    async run(tools) {
      const topic = await tools.topic('latency', '--partitions', '1');
      const args = ['--topic', topic, '--num-records', '50', '--producer-acks', 'all', '--record-size', '100'];
      await tools.prints(tools.run('EndToEndLatency', ...args), /Avg latency: [\d.]+ ms/, /Percentiles: 50th = \d+/);
    },
  },
  {
    name: 'ClientCompatibilityTest',
    async run(tools) {
      const topic = tools.fresh('compatibility');
      const supported = ['offsets-for-times', 'cluster-id', 'create-topics', 'describe-configs', 'idempotent-producer'];
      const yes = supported.flatMap((what) => [`--${what}-supported`, 'true']);
      const args = [...yes, '--expect-record-too-large-exception', 'false', '--num-cluster-nodes', '1'];
      await tools.prints(
        tools.run('ClientCompatibilityTest', '--topic', topic, ...args, '--describe-acls-supported', 'true'),
        /SUCCESS\./,
      );
    },
  },
  {
    name: 'ProducerPerformance-under-quota',
    async run(tools) {
      const [topic, client] = [await tools.topic('throttled'), tools.fresh('producer')];
      await quota(tools, client, 'producer_byte_rate=50000');
      // 1.5 MB at 50,000 bytes/s, of which ten seconds' worth may come immediately, and a batch more.
      const args = ['--topic', topic, '--num-records', '1500', '--record-size', '1000', '--throughput', '-1'];
      const props = [`bootstrap.servers=${tools.bootstrap}`, `client.id=${client}`, 'acks=1'];
      const metrics = ['--print-metrics', '--command-property', ...props];
      const out = await tools.prints(
        tools.plain('ProducerPerformance', [...args, ...metrics], '', 120),
        /1500 records sent/,
      );
      const perSecond = Number(
        /1500 records sent, ([\d.,]+) records\/sec/.exec(out)?.[1]?.replace(',', '') ?? Number.NaN,
      );
      check(perSecond < 100, 'less than 100 records a second', out);
      const throttled = Number(/produce-throttle-time-max[^\n]*: ([\d.]+)/.exec(out)?.[1] ?? 0);
      check(throttled > 0, 'a throttle time', out);
    },
  },
  {
    name: 'ConsumerPerformance-under-quota',
    async run(tools) {
      const [topic, client] = [await tools.topic('held-back', '--partitions', '1'), tools.fresh('consumer')];
      await tools.fill(topic, 10_000);
      await quota(tools, client, 'consumer_byte_rate=60000');
      // 1 MB at 60,000 bytes/s, of which ten seconds' worth may come immediately.
      const out = await consumed(tools, topic, 10_000, client);
      check(out.records >= 10_000, '10000 records', out.text);
      check(out.perSecond < 2_500, 'less than 2500 records a second', out.text);
    },
  },
];

async function quota(tools: Tools, client: string, value: string): Promise<void> {
  const entity = ['--entity-type', 'clients', '--entity-name', client];
  await tools.prints(tools.run('kafka.admin.ConfigCommand', ...entity, '--alter', '--add-config', value), /Completed/);
}

/** The tool's last line: times, MB, MB/s, records, records/s. */
async function consumed(tools: Tools, topic: string, records: number, clientId = 'perf') {
  const config = textFile(`client.id=${clientId}\n`);
  const args = ['--topic', topic, '--num-records', String(records), '--command-config', config, '--timeout', '60000'];
  const text = await tools.prints(
    tools.plain('ConsumerPerformance', ['--bootstrap-server', tools.bootstrap, ...args], '', 120),
    /data\.consumed\.in\.nMsg/,
  );
  const fields = text.trim().split('\n').at(-1)?.split(', ') ?? [];
  return { records: Number(fields[4]), perSecond: Number(fields[5]), text };
}
