// Topics and their content: TopicCommand, GetOffsetShell, DeleteRecordsCommand, LogDirsCommand.
import { check, type Command } from '../command.ts';
import { jsonFile } from '../json-file.ts';

export const topics: readonly Command[] = [
  {
    name: 'TopicCommand-create',
    async run(tools) {
      const topic = tools.fresh('create');
      const create = (...more: string[]) => tools.run('TopicCommand', '--create', '--topic', topic, ...more);
      await tools.prints(create('--partitions', '3', '--config', 'retention.ms=1000'), /Created topic create-/);
      await tools.fails(create(), /already exists/);
      await tools.prints(create('--if-not-exists'));
      await tools.fails(
        tools.run('TopicCommand', '--create', '--topic', tools.fresh('wide'), '--replication-factor', '2'),
        /InvalidReplicationFactorException/,
      );
      await tools.fails(
        tools.run('TopicCommand', '--create', '--topic', tools.fresh('odd'), '--config', 'retention.ms=soon'),
        /InvalidConfigurationException|Invalid value/,
      );
      await tools.prints(
        tools.run('TopicCommand', '--create', '--topic', tools.fresh('by-hand'), '--replica-assignment', '1,1,1'),
        /Created topic/,
      );
    },
  },
  {
    name: 'TopicCommand-describe',
    async run(tools) {
      const topic = await tools.topic('describe', '--partitions', '3', '--config', 'segment.ms=60000');
      const head = /TopicId: [\w-]{22}\tPartitionCount: 3\tReplicationFactor: 1\tConfigs: .*segment\.ms=60000/;
      const line = /Partition: 2\tLeader: 1\tReplicas: 1\tIsr: 1/;
      await tools.prints(tools.run('TopicCommand', '--describe', '--topic', topic), head, line);
      for (const behind of ['--under-replicated-partitions', '--unavailable-partitions', '--at-min-isr-partitions']) {
        const out = await tools.prints(tools.run('TopicCommand', '--describe', '--topic', topic, behind));
        check(behind === '--at-min-isr-partitions' ? out.includes(topic) : !out.includes(topic), behind, out);
      }
      await tools.fails(tools.run('TopicCommand', '--describe', '--topic', 'nowhere'), /does not exist as expected/);
    },
  },
  {
    name: 'TopicCommand-list',
    async run(tools) {
      const topic = await tools.topic('list');
      await tools.prints(tools.run('TopicCommand', '--list'), new RegExp(`^${topic}$`, 'm'));
    },
  },
  {
    name: 'TopicCommand-alter',
    async run(tools) {
      const topic = await tools.topic('alter', '--partitions', '1');
      const grow = (count: string) => tools.run('TopicCommand', '--alter', '--topic', topic, '--partitions', count);
      await tools.prints(grow('4'));
      await tools.prints(tools.run('TopicCommand', '--describe', '--topic', topic), /PartitionCount: 4/);
      await tools.fails(grow('2'), /InvalidPartitionsException/);
    },
  },
  {
    name: 'TopicCommand-delete',
    async run(tools) {
      const topic = await tools.topic('delete');
      await tools.prints(tools.run('TopicCommand', '--delete', '--topic', topic));
      const left = await tools.prints(tools.run('TopicCommand', '--list'));
      check(!left.includes(topic), `no ${topic}`, left);
      await tools.fails(tools.run('TopicCommand', '--delete', '--topic', topic), /does not exist as expected/);
    },
  },
  {
    name: 'GetOffsetShell',
    async run(tools) {
      const topic = await tools.topic('offsets', '--partitions', '1');
      await tools.fill(topic, 500);
      const at = async (time: string, offset: string) =>
        tools.prints(
          tools.run('GetOffsetShell', '--topic', topic, '--time', time),
          new RegExp(`^${topic}:0:${offset}$`, 'm'),
        );
      await at('latest', '500');
      await at('earliest', '0');
      await at('max-timestamp', '\\d+');
      await at('1000', '0');
      await at('earliest-local', '0');
    },
  },
  {
    name: 'DeleteRecordsCommand',
    async run(tools) {
      const topic = await tools.topic('delete-records', '--partitions', '1');
      await tools.fill(topic, 300);
      const file = jsonFile({ partitions: [{ topic, partition: 0, offset: 100 }], version: 1 });
      await tools.prints(
        tools.run('DeleteRecordsCommand', '--offset-json-file', file),
        new RegExp(`partition: ${topic}-0\\tlow_watermark: 100`),
      );
      await tools.prints(
        tools.run('GetOffsetShell', '--topic', topic, '--time', 'earliest'),
        new RegExp(`^${topic}:0:100$`, 'm'),
      );
      const beyond = jsonFile({ partitions: [{ topic, partition: 0, offset: 1000 }], version: 1 });
      await tools.prints(tools.run('DeleteRecordsCommand', '--offset-json-file', beyond), /error: .*OffsetOutOfRange/);
    },
  },
  {
    name: 'LogDirsCommand',
    async run(tools) {
      const topic = await tools.topic('log-dirs', '--partitions', '2');
      await tools.fill(topic, 100);
      const out = await tools.prints(tools.run('LogDirsCommand', '--describe', '--topic-list', topic), /Received log/);
      const told = JSON.parse(out.split('\n').find((line) => line.startsWith('{')) ?? '{}') as LogDirs;
      const partitions = told.brokers[0]?.logDirs[0]?.partitions ?? [];
      check(told.brokers[0]?.broker === 1, 'broker 1', out);
      check(partitions.length === 2, 'two partitions', out);
      check(partitions.reduce((sum, { size }) => sum + size, 0) > 10_000, 'more than 10,000 bytes', out);
      check(
        partitions.every(({ offsetLag, isFuture }) => offsetLag === 0 && !isFuture),
        'no lag, no move',
        out,
      );
    },
  },
];

interface LogDirs {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly {
      readonly partitions: readonly { readonly size: number; readonly offsetLag: number; readonly isFuture: boolean }[];
    }[];
  }[];
}
