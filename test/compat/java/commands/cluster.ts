// The cluster as a whole: its quorum, features, endpoints, leaders and replicas.
import { check, type Command, type Tools } from '../command.ts';
import { jsonFile } from '../json-file.ts';

const clusterTool = (tools: Tools, command: string, ...args: string[]) =>
  tools.plain('ClusterTool', [command, '--bootstrap-server', tools.bootstrap, ...args]);

export const cluster: readonly Command[] = [
  {
    name: 'MetadataQuorumCommand-status',
    async run(tools) {
      await tools.prints(
        tools.run('MetadataQuorumCommand', 'describe', '--status'),
        /ClusterId: +[\w-]{22}/,
        /LeaderId: +1$/m,
        /LeaderEpoch: +[1-9]/,
        /HighWatermark: +[1-9]/,
        /MaxFollowerLag: +0/,
        /CurrentVoters: +\[\{"id": 1.*"endpoints": \["\w+:\/\/[^"]+"\]/,
        /CurrentObservers: +\[\]/,
      );
    },
  },
  {
    name: 'MetadataQuorumCommand-replication',
    async run(tools) {
      const out = await tools.prints(
        tools.run('MetadataQuorumCommand', 'describe', '--replication'),
        /NodeId\s+DirectoryId\s+LogEndOffset\s+Lag\s+LastFetchTimestamp\s+LastCaughtUpTimestamp\s+Status/,
        /^1\s+[\w-]{22}\s+[1-9]\d*\s+0\s+\d+\s+\d+\s+Leader/m,
      );
      check(out.trim().split('\n').length === 2, 'one voter and no observer', out);
    },
  },
  {
    name: 'FeatureCommand-describe',
    async run(tools) {
      await tools.prints(
        tools.run('FeatureCommand', 'describe'),
        /Feature: metadata\.version.*SupportedMaxVersion: 4\.3-IV0.*FinalizedVersionLevel: 4\.3-IV0 .*Epoch: [1-9]/,
        /Feature: group\.version .*SupportedMaxVersion: 1 .*FinalizedVersionLevel: 1 /,
      );
    },
  },
  {
    name: 'FeatureCommand-upgrade',
    async run(tools) {
      const upgrade = (feature: string) => tools.run('FeatureCommand', 'upgrade', '--feature', feature);
      await tools.fails(upgrade('group.version=9'), /Could not upgrade group\.version to 9/);
      await tools.fails(upgrade('nobody.knows=1'), /nobody\.knows/);
      await tools.prints(upgrade('group.version=1'), /group\.version was upgraded to 1/);
    },
  },
  {
    name: 'ClusterTool-cluster-id',
    async run(tools) {
      await tools.prints(clusterTool(tools, 'cluster-id'), /Cluster ID: [\w-]{22}/);
    },
  },
  {
    name: 'ClusterTool-list-endpoints',
    async run(tools) {
      const [host, port] = tools.bootstrap.split(':');
      const line = new RegExp(`^1\\s+${host}\\s+${port}\\s+\\S+\\s+(unfenced\\s+)?broker`, 'm');
      await tools.prints(clusterTool(tools, 'list-endpoints'), line);
      await tools.prints(clusterTool(tools, 'list-endpoints', '--include-fenced-brokers'), line);
    },
  },
  {
    name: 'ClusterTool-unregister',
    async run(tools) {
      await tools.fails(clusterTool(tools, 'unregister', '--id', '4711'), /BrokerIdNotRegistered|not.*registered/);
    },
  },
  {
    name: 'BrokerApiVersionsCommand',
    async run(tools) {
      await tools.prints(
        tools.run('BrokerApiVersionsCommand'),
        /\(id: 1 rack: \S+ isFenced: false\) -> \(/,
        /Produce\(0\): 0 to 13 \[usable: 13\]/,
        /Fetch\(1\): 4 to 18 \[usable: 18\]/,
        /DescribeClientQuotas\(48\): 0 to 1/,
        /DescribeQuorum\(55\): 0 to 2/,
        /UpdateFeatures\(57\): 0 to 2/,
        /AlterPartitionReassignments\(45\): 0 to 1/,
        /ListConfigResources\(74\): 0 to 1/,
        /DescribeCluster\(60\): 0 to 2/,
      );
    },
  },
  {
    name: 'LeaderElectionCommand',
    async run(tools) {
      const topic = await tools.topic('elect', '--partitions', '1');
      const elect = (type: string, ...args: string[]) =>
        tools.run('LeaderElectionCommand', '--election-type', type, ...args);
      const one = ['--topic', topic, '--partition', '0'];
      await tools.prints(elect('preferred', ...one), /Valid replica already elected for partitions/);
      await tools.prints(elect('unclean', ...one), /Valid replica already elected for partitions/);
      await tools.prints(elect('preferred', '--all-topic-partitions'));
      await tools.fails(elect('preferred', '--topic', 'nowhere', '--partition', '0'), /could not be elected/);
    },
  },
  {
    name: 'ReassignPartitionsCommand',
    async run(tools) {
      const topic = await tools.topic('reassign', '--partitions', '1');
      const command = 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand';
      const plan = (replicas: number[]) => jsonFile({ version: 1, partitions: [{ topic, partition: 0, replicas }] });
      const named = jsonFile({ topics: [{ topic }], version: 1 });
      const generate = ['--topics-to-move-json-file', named, '--broker-list', '1', '--generate'];
      await tools.prints(tools.run(command, ...generate), /Proposed partition reassignment/, /"replicas":\[1\]/);
      const file = ['--reassignment-json-file', plan([1])];
      await tools.prints(tools.run(command, ...file, '--execute'), /Successfully started partition reassignment/);
      await tools.prints(
        tools.run(command, ...file, '--verify'),
        new RegExp(`Reassignment of partition ${topic}-0 is completed`),
      );
      await tools.prints(tools.run(command, '--list'), /No partition reassignments found/);
      await tools.prints(tools.run(command, ...file, '--cancel'), /None of the specified partition reassignments/);
      await tools.fails(
        tools.run(command, '--reassignment-json-file', plan([2]), '--execute'),
        /Unknown broker id 2|2/,
      );
    },
  },
  {
    name: 'TransactionsCommand-describe-producers',
    async run(tools) {
      const topic = await tools.topic('producers', '--partitions', '1');
      await tools.fill(topic, 10, 'enable.idempotence=true');
      const on = ['describe-producers', '--topic', topic, '--partition', '0'];
      await tools.prints(
        tools.run('TransactionsCommand', ...on),
        /ProducerId\s+ProducerEpoch\s+LatestCoordinatorEpoch\s+LastSequence\s+LastTimestamp\s+CurrentTransactionStartOffset/,
        /^\d+\s+0\s+-1\s+9\s+\d+\s+None/m,
      );
    },
  },
  {
    name: 'AclCommand-without-authorizer',
    async run(tools) {
      await tools.fails(tools.run('AclCommand', '--list'), /SecurityDisabledException|No Authorizer|authorizer/i);
    },
  },
];
