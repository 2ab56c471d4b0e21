// Configs of topics, brokers, groups and clients: described, set, reset. And the whole list of names, defaults, types
// and synonyms.
import {
  AlterConfigs,
  ConfigOperation,
  ConfigResourceType,
  DescribeConfigs,
  IncrementalAlterConfigs,
} from '@milepost/wire';
import type { Scenario, Stage } from '../stage.ts';
import { createTopic } from '../topics.ts';

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResourceType;
const { SET, DELETE, APPEND, SUBTRACT } = ConfigOperation;

type Resource = readonly [type: number, name: string, keys?: readonly string[] | null];

const describe = (
  resources: readonly Resource[],
  more: { includeSynonyms?: boolean; includeDocumentation?: boolean } = {},
) => ({
  resources: resources.map(([resourceType, resourceName, configurationKeys = null]) => ({
    resourceType,
    resourceName,
    configurationKeys,
  })),
  ...more,
});

/** Only some names: those that a test has changed. */
const some = (on: Stage, label: string, type: number, name: string, keys: readonly string[]): Promise<void> =>
  on.see(label, DescribeConfigs, 4, describe([[type, name, keys]], { includeSynonyms: true }));

type Op = readonly [name: string, operation: number, value: string | null];

const incremental =
  (on: Stage, resourceType: number, resourceName: string) =>
  (label: string, ops: readonly Op[], validateOnly = false): Promise<void> =>
    on.see(label, IncrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType,
          resourceName,
          configs: ops.map(([name, configOperation, value]) => ({ name, configOperation, value })),
        },
      ],
      validateOnly,
    });

export const configs: readonly Scenario[] = [
  {
    name: 'configs/all of a topic',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'retention.ms': '5000', 'cleanup.policy': 'compact' } });
      for (const version of on.versions(DescribeConfigs)) {
        await on.see(`v${version}`, DescribeConfigs, version, describe([[TOPIC, topic]], { includeSynonyms: true }));
        if (version >= 3)
          await on.see(
            `v${version}, documented, no synonyms`,
            DescribeConfigs,
            version,
            describe([[TOPIC, topic]], { includeDocumentation: true }),
          );
      }
    },
  },
  {
    name: 'configs/all of a broker',
    async play(on) {
      await on.see(
        'v4',
        DescribeConfigs,
        4,
        describe([[BROKER, '1']], { includeSynonyms: true, includeDocumentation: true }),
      );
      await on.see(
        'the default of all brokers',
        DescribeConfigs,
        4,
        describe([[BROKER, '']], { includeSynonyms: true }),
      );
    },
  },
  {
    name: 'configs/what is asked for',
    async play(on) {
      const topic = await createTopic(on, 'a');
      const ask = (label: string, resources: readonly Resource[]): Promise<void> =>
        on.see(label, DescribeConfigs, 4, describe(resources));
      await ask('two keys', [[TOPIC, topic, ['retention.ms', 'cleanup.policy']]]);
      await ask('a key that is not there', [[TOPIC, topic, ['no.such.config']]]);
      await ask('no key', [[TOPIC, topic, []]]);
      await ask('a key twice', [[TOPIC, topic, ['retention.ms', 'retention.ms']]]);
      await ask('a topic that is not there', [[TOPIC, on.own('none')]]);
      await ask('an impossible name', [[TOPIC, 'a b']]);
      await ask('no name', [[TOPIC, '']]);
      await ask('a topic twice', [
        [TOPIC, topic, ['retention.ms']],
        [TOPIC, topic, ['cleanup.policy']],
      ]);
      await ask('another broker', [[BROKER, '7']]);
      await ask('a broker that is no number', [[BROKER, 'one']]);
      await ask('levels of loggers', [[BROKER_LOGGER, '1', ['root']]]);
      await ask('levels of loggers of another broker', [[BROKER_LOGGER, '7']]);
      await ask('a group', [[GROUP, on.own('g')]]);
      await ask('no group', [[GROUP, '']]);
      await ask('metrics of clients', [[CLIENT_METRICS, on.own('m')]]);
      await ask('no metrics', [[CLIENT_METRICS, '']]);
      for (const type of [0, 1, 3, 64, -1]) await ask(`type ${type}`, [[type, 'a']]);
      await ask('a right one and a wrong one', [
        [TOPIC, topic, ['retention.ms']],
        [TOPIC, on.own('none')],
      ]);
      await ask('none', []);
    },
  },
  {
    name: 'configs/altered, one at a time',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'retention.ms': '5000' } });
      const alter = incremental(on, TOPIC, topic);
      const keys = ['retention.ms', 'cleanup.policy', 'segment.bytes'];
      const settled = async (holds: (values: Map<string, string | null>) => boolean): Promise<void> =>
        on.until(async () => {
          const { results } = await on.get(DescribeConfigs, 4, describe([[TOPIC, topic, keys]]));
          return holds(new Map((results[0]?.configs ?? []).map(({ name, value }) => [name, value])));
        });
      await alter('set', [['retention.ms', SET, '6000']]);
      await settled((values) => values.get('retention.ms') === '6000');
      await some(on, 'after set', TOPIC, topic, keys);
      await alter('delete', [['retention.ms', DELETE, null]]);
      await alter('delete what is not set', [['segment.bytes', DELETE, null]]);
      await alter('append', [['cleanup.policy', APPEND, 'compact']]);
      await settled((values) => values.get('cleanup.policy') === 'delete,compact');
      await some(on, 'after append', TOPIC, topic, keys);
      await alter('append what is there', [['cleanup.policy', APPEND, 'compact']]);
      await alter('subtract', [['cleanup.policy', SUBTRACT, 'delete']]);
      await settled((values) => values.get('cleanup.policy') === 'compact');
      await some(on, 'after subtract', TOPIC, topic, keys);
      await alter('subtract what is not there', [['cleanup.policy', SUBTRACT, 'delete']]);
      await alter('append to what is no list', [['retention.ms', APPEND, '1']]);
      await alter('subtract from what is no list', [['retention.ms', SUBTRACT, '1']]);
      await alter('append to what is unknown', [['no.such', APPEND, '1']]);
      await alter('set to nothing', [['retention.ms', SET, null]]);
      await alter('append nothing', [['cleanup.policy', APPEND, null]]);
      await alter('delete with a value', [['retention.ms', DELETE, '1']]);
      await alter('delete what is unknown', [['no.such', DELETE, null]]);
      await alter('set what is unknown', [['no.such', SET, '1']]);
      await alter('an unknown operation', [['retention.ms', 9, '1']]);
      await alter('a bad value', [['retention.ms', SET, 'x']]);
      await alter('a bad value for a list', [['cleanup.policy', APPEND, 'other']]);
      await alter('one name twice', [
        ['retention.ms', SET, '1'],
        ['retention.ms', DELETE, null],
      ]);
      await alter('a right one and a wrong one', [
        ['retention.ms', SET, '7000'],
        ['segment.bytes', SET, '1'],
      ]);
      await alter('only to see', [['retention.ms', SET, '8000']], true);
      await alter('only to see, wrong', [['retention.ms', SET, 'x']], true);
      await alter('nothing', []);
      await some(on, 'after all', TOPIC, topic, keys);
    },
  },
  {
    name: 'configs/altered as a whole',
    async play(on) {
      const topic = await createTopic(on, 'a', { configs: { 'retention.ms': '5000', 'segment.bytes': '2000000' } });
      const alter = (
        label: string,
        own: Record<string, string | null>,
        { version = 2, validateOnly = false } = {},
      ): Promise<void> =>
        on.see(label, AlterConfigs, version, {
          resources: [
            {
              resourceType: TOPIC,
              resourceName: topic,
              configs: Object.entries(own).map(([name, value]) => ({ name, value })),
            },
          ],
          validateOnly,
        });
      const keys = ['retention.ms', 'segment.bytes'];
      await alter('only to see', { 'retention.ms': '1' }, { validateOnly: true });
      await alter('a bad value', { 'retention.ms': 'x' });
      await alter('unknown', { 'no.such': 'x' });
      await alter('null', { 'retention.ms': null });
      for (const version of on.versions(AlterConfigs))
        await alter(`v${version}`, { 'retention.ms': String(version + 1) }, { version });
      await on.until(async () => {
        const { results } = await on.get(DescribeConfigs, 4, describe([[TOPIC, topic, ['retention.ms']]]));
        return results[0]?.configs[0]?.value === '3';
      });
      await some(on, 'after it', TOPIC, topic, keys);
      await alter('nothing', {});
      await on.until(async () => {
        const { results } = await on.get(DescribeConfigs, 4, describe([[TOPIC, topic, ['retention.ms']]]));
        return results[0]?.configs[0]?.value === '604800000';
      });
      await some(on, 'after nothing', TOPIC, topic, keys);
    },
  },
  {
    name: 'configs/whose they are',
    async play(on) {
      const topic = await createTopic(on, 'a');
      await incremental(on, TOPIC, on.own('none'))('a topic that is not there', [['retention.ms', SET, '1']]);
      await incremental(on, TOPIC, 'a b')('an impossible name', [['retention.ms', SET, '1']]);
      await incremental(on, TOPIC, '')('no name', [['retention.ms', SET, '1']]);
      await incremental(on, BROKER, '7')('another broker', [['log.retention.ms', SET, '1']]);
      await incremental(on, BROKER, 'one')('a broker that is no number', [['log.retention.ms', SET, '1']]);
      for (const type of [0, 1, 3, 64]) await incremental(on, type, 'a')(`type ${type}`, [['a', SET, '1']]);
      await incremental(on, TOPIC, topic)('of a broker', [['log.retention.ms', SET, '1']]);
      await on.see('one topic twice', IncrementalAlterConfigs, 1, {
        resources: [topic, topic].map((resourceName) => ({
          resourceType: TOPIC,
          resourceName,
          configs: [{ name: 'retention.ms', configOperation: SET, value: '9000' }],
        })),
        validateOnly: false,
      });
      await on.see('a right one and a wrong one', IncrementalAlterConfigs, 1, {
        resources: [topic, on.own('none')].map((resourceName) => ({
          resourceType: TOPIC,
          resourceName,
          configs: [{ name: 'retention.ms', configOperation: SET, value: '9000' }],
        })),
        validateOnly: false,
      });
      await on.see('none', IncrementalAlterConfigs, 1, { resources: [], validateOnly: false });
      await on.see('none as a whole', AlterConfigs, 2, { resources: [], validateOnly: false });
    },
  },
  {
    name: 'configs/of a broker',
    async play(on) {
      // Nothing remains: other scenarios share this broker.
      const alter = incremental(on, BROKER, '1');
      for (const [name, value] of [
        ['log.retention.ms', '1000'],
        ['log.retention.ms', 'x'],
        ['log.cleaner.threads', '2'],
        ['log.cleaner.threads', '0'],
        ['num.io.threads', '9'],
        ['num.partitions', '2'],
        ['auto.create.topics.enable', 'false'],
        ['log.dirs', '/tmp/elsewhere'],
        ['broker.id', '2'],
        ['node.id', '2'],
        ['message.max.bytes', '-1'],
        ['max.connections', '10'],
        ['max.connections.per.ip', '10'],
        ['listeners', 'PLAINTEXT://:1'],
        ['no.such.config', '1'],
        ['retention.ms', '1'],
        ['compression.type', 'gzip'],
        ['compression.type', 'other'],
        ['min.insync.replicas', '1'],
        ['log.retention.hours', '1'],
        ['log.cleanup.policy', 'compact,delete'],
        ['group.initial.rebalance.delay.ms', '1'],
        ['offsets.retention.minutes', '1'],
        ['unclean.leader.election.enable', 'true'],
      ] as const) {
        await alter(`${name}=${value}`, [[name, SET, value]], true);
        await incremental(on, BROKER, '')(`all brokers: ${name}=${value}`, [[name, SET, value]], true);
      }
    },
  },
  {
    name: 'configs/of a group',
    async play(on) {
      const alter = incremental(on, GROUP, on.own('g'));
      for (const [name, value] of [
        ['consumer.session.timeout.ms', '50000'],
        ['consumer.session.timeout.ms', '1'],
        ['consumer.session.timeout.ms', 'x'],
        ['consumer.heartbeat.interval.ms', '6000'],
        ['consumer.heartbeat.interval.ms', '1'],
        ['no.such', '1'],
      ] as const)
        await alter(`${name}=${value}`, [[name, SET, value]]);
      await some(on, 'after it', GROUP, on.own('g'), ['consumer.session.timeout.ms', 'consumer.heartbeat.interval.ms']);
      await alter('taken back', [['consumer.session.timeout.ms', DELETE, null]]);
      await incremental(on, GROUP, '')('of no group', [['consumer.session.timeout.ms', SET, '50000']]);
    },
  },
  {
    name: 'configs/of metrics of clients',
    async play(on) {
      const alter = incremental(on, CLIENT_METRICS, on.own('m'));
      await alter('all', [
        ['metrics', SET, '*'],
        ['interval.ms', SET, '1000'],
        ['match', SET, 'client_id=a.*'],
      ]);
      await alter('too often', [['interval.ms', SET, '10']]);
      await alter('a bad match', [['match', SET, 'nothing=a']]);
      await alter('unknown', [['no.such', SET, '1']]);
      await some(on, 'after it', CLIENT_METRICS, on.own('m'), ['metrics', 'interval.ms', 'match']);
      await incremental(on, CLIENT_METRICS, '')('of nobody', [['interval.ms', SET, '1000']]);
      await alter('taken back', [
        ['metrics', DELETE, null],
        ['interval.ms', DELETE, null],
        ['match', DELETE, null],
      ]);
    },
  },
];
