// Everything that ConfigCommand and ClientMetricsCommand set and describe.
import { check, type Command, type Tools } from '../command.ts';

const CONFIG = 'kafka.admin.ConfigCommand';

const config = (tools: Tools, type: string, name: string | undefined, ...args: string[]) => {
  const entity = name === undefined ? ['--entity-default'] : ['--entity-name', name];
  return tools.run(CONFIG, '--entity-type', type, ...entity, ...args);
};

export const configs: readonly Command[] = [
  {
    name: 'ConfigCommand-topics',
    async run(tools) {
      const topic = await tools.topic('config');
      const on = (...args: string[]) => config(tools, 'topics', topic, ...args);
      await tools.prints(
        on('--alter', '--add-config', 'retention.ms=5000,cleanup.policy=[compact,delete]'),
        /Completed/,
      );
      await tools.comesToPrint(
        () => on('--describe'),
        /retention\.ms=5000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:retention\.ms=5000/,
        /cleanup\.policy=compact,delete/,
      );
      await tools.prints(on('--describe', '--all'), /max\.message\.bytes=1048588 .*DEFAULT_CONFIG:message\.max\.bytes/);
      await tools.prints(on('--alter', '--delete-config', 'retention.ms'), /Completed/);
      const left = await tools.prints(on('--describe'));
      check(!left.includes('retention.ms'), 'no retention.ms', left);
      await tools.fails(on('--alter', '--add-config', 'retention.ms=soon'), /Invalid|expected/);
    },
  },
  {
    name: 'ConfigCommand-brokers',
    async run(tools) {
      const on = (...args: string[]) => config(tools, 'brokers', '1', ...args);
      await tools.prints(on('--alter', '--add-config', 'log.retention.ms=7200000'), /Completed/);
      await tools.comesToPrint(
        () => on('--describe'),
        /log\.retention\.ms=7200000 .*DYNAMIC_BROKER_CONFIG:log\.retention\.ms/,
      );
      const topic = await tools.topic('inherits');
      await tools.prints(
        config(tools, 'topics', topic, '--describe', '--all'),
        /retention\.ms=7200000 .*DYNAMIC_BROKER_CONFIG:log\.retention\.ms=7200000/,
      );
      await tools.prints(on('--alter', '--delete-config', 'log.retention.ms'), /Completed/);
      await tools.fails(on('--alter', '--add-config', 'num.partitions=7'), /dynamically|restart/);
    },
  },
  {
    name: 'ConfigCommand-broker-defaults',
    async run(tools) {
      const on = (...args: string[]) => config(tools, 'brokers', undefined, ...args);
      await tools.prints(
        on('--alter', '--add-config', 'message.max.bytes=2000000'),
        /Completed updating default config/,
      );
      await tools.comesToPrint(() => on('--describe'), /message\.max\.bytes=2000000 .*DYNAMIC_DEFAULT_BROKER_CONFIG/);
      const topic = await tools.topic('large');
      const size = ['--num-records', '1', '--record-size', '1500000', '--throughput', '-1'];
      const props = [`bootstrap.servers=${tools.bootstrap}`, 'max.request.size=3000000', 'acks=all'];
      const send = () =>
        tools.plain('ProducerPerformance', ['--topic', topic, ...size, '--command-property', ...props]);
      await tools.prints(send(), /1 records sent/);
      await tools.prints(on('--alter', '--delete-config', 'message.max.bytes'), /Completed/);
      await tools.fails(send(), /RecordTooLargeException/);
    },
  },
  {
    name: 'ConfigCommand-clients',
    async run(tools) {
      const client = tools.fresh('client');
      const on = (...args: string[]) => config(tools, 'clients', client, ...args);
      await tools.prints(
        on('--alter', '--add-config', 'producer_byte_rate=1024,request_percentage=150.5'),
        /Completed/,
      );
      await tools.comesToPrint(
        () => on('--describe'),
        new RegExp(`Quota configs for client-id '${client}' are .*producer_byte_rate=1024\\.0`),
        /request_percentage=150\.5/,
      );
      await tools.prints(on('--alter', '--delete-config', 'producer_byte_rate,request_percentage'), /Completed/);
      await tools.comesToPrint(() => on('--describe'), /^(?![^]*Quota configs)/);
      await tools.fails(on('--alter', '--add-config', 'producer_byte_rate=-1'), /./);
    },
  },
  {
    name: 'ConfigCommand-users',
    async run(tools) {
      const [user, client] = [tools.fresh('user'), tools.fresh('client')];
      const both = [
        '--entity-type',
        'users',
        '--entity-name',
        user,
        '--entity-type',
        'clients',
        '--entity-name',
        client,
      ];
      await tools.prints(tools.run(CONFIG, ...both, '--alter', '--add-config', 'consumer_byte_rate=2048'), /Completed/);
      await tools.comesToPrint(
        () => tools.run(CONFIG, ...both, '--describe'),
        new RegExp(`Quota configs for user-principal '${user}', client-id '${client}' are consumer_byte_rate=2048`),
      );
      await tools.prints(config(tools, 'users', undefined, '--alter', '--add-config', 'controller_mutation_rate=1000'));
      await tools.comesToPrint(
        () => tools.run(CONFIG, '--entity-type', 'users', '--describe'),
        /Quota configs for the default user-principal are controller_mutation_rate=1000/,
      );
      await tools.prints(config(tools, 'users', undefined, '--alter', '--delete-config', 'controller_mutation_rate'));
      await tools.prints(tools.run(CONFIG, ...both, '--alter', '--delete-config', 'consumer_byte_rate'));
    },
  },
  {
    name: 'ConfigCommand-ips',
    async run(tools) {
      const on = (...args: string[]) => config(tools, 'ips', '192.0.2.7', ...args);
      await tools.prints(on('--alter', '--add-config', 'connection_creation_rate=5'), /Completed/);
      await tools.comesToPrint(
        () => on('--describe'),
        /Quota configs for ip '192\.0\.2\.7' are connection_creation_rate=5/,
      );
      await tools.prints(on('--alter', '--delete-config', 'connection_creation_rate'), /Completed/);
    },
  },
  {
    name: 'ConfigCommand-groups',
    async run(tools) {
      const group = tools.fresh('group');
      const on = (...args: string[]) => config(tools, 'groups', group, ...args);
      await tools.prints(on('--alter', '--add-config', 'consumer.session.timeout.ms=50000'), /Completed/);
      await tools.comesToPrint(() => on('--describe'), /consumer\.session\.timeout\.ms=50000 .*GROUP_CONFIG/);
      await tools.prints(
        on('--describe', '--all'),
        /consumer\.heartbeat\.interval\.ms=5000/,
        /share\.auto\.offset\.reset/,
      );
      await tools.fails(
        on('--alter', '--add-config', 'consumer.session.timeout.ms=100'),
        /consumer\.session\.timeout\.ms/,
      );
      await tools.prints(on('--alter', '--delete-config', 'consumer.session.timeout.ms'), /Completed/);
    },
  },
  {
    name: 'ConfigCommand-client-metrics',
    async run(tools) {
      const name = tools.fresh('metrics');
      const on = (...args: string[]) => config(tools, 'client-metrics', name, ...args);
      const wanted = 'metrics=[org.apache.kafka.producer.],interval.ms=60000,match=[client_id=nobody]';
      await tools.prints(on('--alter', '--add-config', wanted), /Completed/);
      await tools.comesToPrint(
        () => on('--describe'),
        /interval\.ms=60000/,
        /match=client_id=nobody/,
        /metrics=org\.apache/,
      );
      await tools.prints(on('--alter', '--delete-config', 'metrics,interval.ms,match'), /Completed/);
      await tools.fails(on('--alter', '--add-config', 'interval.ms=1'), /interval/);
    },
  },
  {
    name: 'ClientMetricsCommand',
    async run(tools) {
      const name = tools.fresh('subscription');
      const on = (...args: string[]) => tools.run('ClientMetricsCommand', ...args);
      const wanted = ['--metrics', 'org.apache.kafka.consumer.', '--interval', '30000'];
      await tools.prints(
        on('--alter', '--name', name, ...wanted),
        new RegExp(`Altered client metrics config for ${name}`),
      );
      await tools.prints(on('--list'), new RegExp(`^${name}$`, 'm'));
      await tools.prints(
        on('--describe', '--name', name),
        /interval\.ms=30000/,
        /metrics=org\.apache\.kafka\.consumer\./,
      );
      await tools.prints(on('--delete', '--name', name), new RegExp(`Deleted client metrics config for ${name}`));
      const left = await tools.prints(on('--list'));
      check(!left.includes(name), `no ${name}`, left);
    },
  },
  {
    name: 'ConfigCommand-broker-loggers',
    async run(tools) {
      const on = (...args: string[]) => config(tools, 'broker-loggers', '1', ...args);
      await tools.comesToPrint(() => on('--describe'), /root=[A-Z]+/);
      await tools.prints(on('--alter', '--add-config', 'root=WARN'), /Completed/);
      await tools.comesToPrint(() => on('--describe'), /root=WARN/);
      await tools.prints(on('--alter', '--add-config', 'root=INFO'), /Completed/);
      await tools.fails(on('--alter', '--add-config', 'root=LOUD'), /LOUD/);
    },
  },
];
