// The broker properties that are read here, with Kafka's names, types and defaults. The defaults of topics (`log.*`,
// `message.max.bytes` …) are derived from the table of topic properties, so that each default is written down once.
import {
  atLeast,
  between,
  type Check,
  type ConfigKey,
  listMatching,
  listOf,
  oneOf,
  oneOfIgnoringCase,
} from './config-key.ts';
import { type BrokerSynonym, TOPIC_CONFIG_KEYS, type TopicConfigKey } from './topic-config-keys.ts';

export interface BrokerConfigKey extends ConfigKey {
  /** Whether AlterConfigs may change it: not at all, for all brokers only, or for each one too. */
  readonly mutability: 'read-only' | 'cluster-wide';
  /** Properties that say the same, this one included, the strongest first; absent: only this one. */
  readonly family?: readonly string[];
}

const key = (
  name: string,
  type: ConfigKey['type'],
  value: string | null,
  documentation: string,
  more: Partial<BrokerConfigKey> = {},
): BrokerConfigKey => ({
  name,
  type,
  default: value,
  documentation,
  hasEffect: !IDLE.has(name),
  mutability: 'read-only',
  ...more,
});

/** Kafka's clients request them and its files set them; nothing here reads them so far. */
const IDLE = new Set(['log.cleaner.threads', 'log.cleaner.io.buffer.size', 'group.coordinator.rebalance.protocols']);

const clusterWide = { mutability: 'cluster-wide' } as const;
const limitsByAddress: Check = {
  expected: 'a list of address:limit',
  holds: (value) => value === '' || (value as string).split(',').every((item) => /^\s*\S+:\d+\s*$/.test(item)),
};
const positive = { accepts: atLeast(1) };
const notNegative = { accepts: atLeast(0) };

/** The one value of replica.selector.class that is known here. */
export const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

/** The one authorizer that is known here, by Kafka's name. */
const STANDARD_AUTHORIZER = 'org.apache.kafka.metadata.authorizer.StandardAuthorizer';

const OWN_KEYS: readonly BrokerConfigKey[] = [
  key('node.id', 'INT', null, 'The number of this broker (MILEPOST_BROKER_ID).', notNegative),
  key('broker.id', 'INT', '-1', 'The older name of node.id.'),
  key('broker.rack', 'STRING', null, 'Where this broker stands; replicas are spread over racks (MILEPOST_RACK).'),
  key(
    'listeners',
    'LIST',
    'PLAINTEXT://:9092',
    'Where clients connect, and by which protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. The address of the first listener is that of MILEPOST_LISTEN and MILEPOST_KAFKA_PORT; the others have their own.',
  ),
  key(
    'listener.security.protocol.map',
    'LIST',
    'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    'The protocol behind the name of a listener.',
    { accepts: listMatching(/^[^:]+:[^:]+$/, 'a list of listener:protocol') },
  ),
  key(
    'inter.broker.listener.name',
    'STRING',
    null,
    'The listener by which brokers reach each other; unset: the first one. If it has SASL, they log in as the administrator of the settings.',
  ),
  key(
    'sasl.mechanism.inter.broker.protocol',
    'STRING',
    'SCRAM-SHA-256',
    "How brokers log in to each other. Kafka's default is GSSAPI, which is not supported.",
    { accepts: oneOf('SCRAM-SHA-256', 'SCRAM-SHA-512') },
  ),
  key(
    'sasl.enabled.mechanisms',
    'LIST',
    'SCRAM-SHA-256,SCRAM-SHA-512',
    "How clients of a SASL listener may authenticate. Kafka's default is GSSAPI, which is not supported.",
    { accepts: listOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER') },
  ),
  key(
    'sasl.oauthbearer.jwks.endpoint.url',
    'STRING',
    null,
    "With OAUTHBEARER: where the public keys of the tokens' issuer are (a JSON Web Key Set), by https:, http: or file:.",
    {
      accepts: {
        expected: 'a URL with https:, http: or file:',
        holds: (value) => value === null || /^(https?:\/\/[^/]|file:\/)/.test(value as string),
      },
    },
  ),
  key(
    'sasl.oauthbearer.jwks.endpoint.refresh.ms',
    'LONG',
    '3600000',
    'How old those keys may be. They are read again earlier if a token names an unknown key; a file is read again every ten seconds.',
    positive,
  ),
  key(
    'sasl.oauthbearer.expected.issuer',
    'STRING',
    null,
    'The issuer (iss) that a token must name; unset: any issuer with those keys.',
  ),
  key(
    'sasl.oauthbearer.expected.audience',
    'LIST',
    null,
    'A token must be for one of these (aud); unset: a token for anybody is accepted.',
  ),
  key(
    'sasl.oauthbearer.clock.skew.seconds',
    'INT',
    '30',
    "How far the clocks of the broker and of the tokens' issuer may differ.",
    notNegative,
  ),
  key('sasl.oauthbearer.sub.claim.name', 'STRING', 'sub', 'The claim of a token that names the user.'),
  key(
    'sasl.server.max.receive.size',
    'INT',
    '524288',
    'The largest request of a client that has not authenticated; a larger one ends the connection.',
    positive,
  ),
  key(
    'connections.max.reauth.ms',
    'LONG',
    '0',
    'How long a session lasts until the client must authenticate again (KIP-368); 0: for ever.',
  ),
  key(
    'connection.failed.authentication.delay.ms',
    'INT',
    '100',
    'How long a client waits for the response to a failed authentication.',
    notNegative,
  ),
  key(
    'authorizer.class.name',
    'STRING',
    '',
    `${STANDARD_AUTHORIZER} lets clients do what access control lists allow; nothing: every client may do everything.`,
    {
      accepts: {
        expected: `${STANDARD_AUTHORIZER}, or nothing`,
        holds: (value) => value === '' || value === STANDARD_AUTHORIZER,
      },
    },
  ),
  key(
    'super.users',
    'STRING',
    '',
    'Users that may do everything, whatever the access control lists say: User:alice;User:bob.',
  ),
  key(
    'allow.everyone.if.no.acl.found',
    'BOOLEAN',
    'false',
    'Whether everybody may use a resource that no access control list names.',
  ),
  key(
    'delegation.token.secret.key',
    'PASSWORD',
    null,
    'Makes the secrets of delegation tokens (KIP-48), alike on every broker; unset: there are none. Another key ends all of them.',
  ),
  key(
    'delegation.token.max.lifetime.ms',
    'LONG',
    '604800000',
    'How long a delegation token may be renewed, from its creation on.',
    positive,
  ),
  key(
    'delegation.token.expiry.time.ms',
    'LONG',
    '86400000',
    'How long a delegation token is valid, from its creation or renewal on.',
    positive,
  ),
  key(
    'delegation.token.expiry.check.interval.ms',
    'LONG',
    '3600000',
    'How often expired delegation tokens are removed.',
    positive,
  ),
  key(
    'advertised.listeners',
    'LIST',
    null,
    'The addresses that clients are told, by listener; that of the first listener is MILEPOST_ADVERTISED_LISTENERS.',
  ),
  key(
    'ssl.keystore.type',
    'STRING',
    'PEM',
    "What ssl.keystore.location is. Kafka's default is JKS, which is not supported.",
    {
      accepts: oneOf('PEM', 'PKCS12'),
    },
  ),
  key(
    'ssl.keystore.location',
    'STRING',
    null,
    'The file with the private key and the certificates of the listeners with SSL; read again when it changes.',
  ),
  key('ssl.keystore.password', 'PASSWORD', null, 'Of a PKCS12 file.'),
  key('ssl.key.password', 'PASSWORD', null, 'Of an encrypted private key in a PEM file.'),
  key('ssl.truststore.type', 'STRING', 'PEM', 'What ssl.truststore.location is.', { accepts: oneOf('PEM') }),
  key(
    'ssl.truststore.location',
    'STRING',
    null,
    'The file with the authorities of client certificates; read again when it changes.',
  ),
  key(
    'ssl.client.auth',
    'STRING',
    'none',
    'Whether clients of a listener with SSL need a certificate. With SASL_SSL they need none.',
    { accepts: oneOf('none', 'requested', 'required') },
  ),
  key('ssl.enabled.protocols', 'LIST', 'TLSv1.2,TLSv1.3', 'The versions of TLS.', {
    accepts: listOf('TLSv1.2', 'TLSv1.3'),
  }),
  key(
    'ssl.principal.mapping.rules',
    'STRING',
    'DEFAULT',
    'How the distinguished name of a client certificate becomes the name of a user (KIP-371).',
  ),
  key('log.dirs', 'LIST', null, 'The folder of the logs (MILEPOST_DATA_DIR); one folder.'),
  key('log.dir', 'LIST', '/tmp/kafka-logs', 'Used where log.dirs is not set.'),

  key('num.partitions', 'INT', '1', 'How many partitions a topic gets when nobody says.', positive),
  key('default.replication.factor', 'INT', '1', 'How many replicas a topic gets when nobody says.'),
  key('auto.create.topics.enable', 'BOOLEAN', 'true', 'Whether a topic that a client asks for comes into being.'),
  key('delete.topic.enable', 'BOOLEAN', 'true', 'Whether topics may be deleted.'),
  key('log.retention.check.interval.ms', 'LONG', '300000', 'How often old segments are looked for.', positive),
  key('log.cleaner.enable', 'BOOLEAN', 'true', 'Whether compacted topics are compacted.'),
  key('log.cleaner.threads', 'INT', '1', 'Cleaners that work at once; here one, in slices between requests.', {
    ...notNegative,
    ...clusterWide,
  }),
  key(
    'log.cleaner.dedupe.buffer.size',
    'LONG',
    '134217728',
    'The memory for the keys of one pass, 24 bytes each; no more than the pass needs is taken.',
    clusterWide,
  ),
  key('log.cleaner.io.buffer.size', 'INT', '524288', 'Read and write buffers of the cleaner; here 128 KB.', {
    ...notNegative,
    ...clusterWide,
  }),
  key(
    'log.cleaner.io.buffer.load.factor',
    'DOUBLE',
    '0.9',
    'How full the memory for keys may get before a pass ends.',
    clusterWide,
  ),
  key(
    'log.cleaner.io.max.bytes.per.second',
    'DOUBLE',
    '1.7976931348623157E308',
    'What the cleaner reads and writes at most.',
    clusterWide,
  ),
  key('log.cleaner.backoff.ms', 'LONG', '15000', 'How long the cleaner waits when nothing is to be cleaned.', {
    ...notNegative,
    ...clusterWide,
  }),
  key('producer.id.expiration.ms', 'INT', '86400000', 'How long an idle idempotent producer is remembered.', {
    ...positive,
    mutability: 'cluster-wide',
  }),

  key(
    'socket.request.max.bytes',
    'INT',
    '104857600',
    'The largest request; a larger one ends the connection.',
    positive,
  ),
  key(
    'broker.session.timeout.ms',
    'INT',
    '15000',
    'How long the lease of a broker lasts without a heartbeat; until then no other process acquires its id.',
    { accepts: atLeast(1_000) },
  ),
  key(
    'broker.heartbeat.interval.ms',
    'INT',
    '2000',
    'How often a broker extends its lease; less than a quarter of broker.session.timeout.ms.',
    positive,
  ),
  key(
    'auto.leader.rebalance.enable',
    'BOOLEAN',
    'true',
    'Whether the controller restores preferred leaders from time to time.',
  ),
  key(
    'leader.imbalance.check.interval.seconds',
    'LONG',
    '300',
    'How often the controller looks for partitions that their preferred leader does not lead.',
    positive,
  ),
  key('connections.max.idle.ms', 'LONG', '600000', 'A connection that is silent for this long is closed.'),
  key('max.connections', 'INT', '2147483647', 'How many connections are open at most.', {
    ...notNegative,
    mutability: 'cluster-wide',
  }),
  key('max.connections.per.ip', 'INT', '2147483647', 'How many connections one address may open.', {
    ...notNegative,
    mutability: 'cluster-wide',
  }),
  key('max.connection.creation.rate', 'INT', '2147483647', 'How many connections are accepted in a second.', {
    ...notNegative,
    mutability: 'cluster-wide',
  }),
  key('quota.window.num', 'INT', '11', 'How many windows a quota looks back over.', positive),
  key('quota.window.size.seconds', 'INT', '1', 'How long each of them is.', positive),
  key('controller.quota.window.num', 'INT', '11', 'How many windows of changes a client may save up.', positive),
  key('controller.quota.window.size.seconds', 'INT', '1', 'How long each of them is.', positive),
  key('telemetry.max.bytes', 'INT', '1048576', "The largest push of a client's metrics (KIP-714).", positive),
  key(
    'max.connections.per.ip.overrides',
    'STRING',
    '',
    'Addresses with a limit of their own, such as 192.0.2.7:200,192.0.2.8:50.',
    { accepts: limitsByAddress, mutability: 'cluster-wide' },
  ),
  key(
    'queued.max.request.bytes',
    'LONG',
    '268435456',
    "How many bytes of requests are held at once: above it, clients are not read from. -1: no limit, which is Kafka's default.",
  ),
  key(
    'queued.max.response.bytes',
    'LONG',
    '134217728',
    'The memory for responses that clients have not taken: the nearer to it, the less a fetch reads. Not a property of Kafka.',
    { accepts: atLeast(1024) },
  ),
  key('fetch.max.bytes', 'INT', '57671680', 'The most that one fetch is answered with.', { accepts: atLeast(1024) }),
  key('max.incremental.fetch.session.cache.slots', 'INT', '1000', 'How many fetch sessions are kept.', notNegative),

  key(
    'replica.lag.time.max.ms',
    'LONG',
    '30000',
    'A follower that has not caught up with its leader for this long is no longer in sync.',
  ),
  key(
    'replica.fetch.wait.max.ms',
    'INT',
    '500',
    'How long a leader lets a follower wait for new records; below replica.lag.time.max.ms.',
  ),
  key('replica.fetch.min.bytes', 'INT', '1', 'How much a follower waits for.'),
  key(
    'replica.fetch.max.bytes',
    'INT',
    '1048576',
    'The most that a follower fetches of one partition at once; a larger batch comes whole.',
    notNegative,
  ),
  key(
    'replica.fetch.response.max.bytes',
    'INT',
    '10485760',
    'The most that a follower fetches of all its partitions at once.',
    notNegative,
  ),
  key(
    'replica.fetch.backoff.ms',
    'INT',
    '1000',
    'How long a follower waits after a leader or a partition that could not be fetched from.',
    notNegative,
  ),
  key(
    'replica.selector.class',
    'STRING',
    null,
    'With RackAwareReplicaSelector, consumers whose client.rack is the broker.rack of an in-sync follower are sent to it.',
    { accepts: { expected: `${RACK_AWARE_SELECTOR}, or nothing`, holds: (value) => value === RACK_AWARE_SELECTOR } },
  ),
  key('replica.socket.timeout.ms', 'INT', '30000', 'How long a follower waits for a response of its leader.'),

  key('group.min.session.timeout.ms', 'INT', '6000', "The shortest session timeout of a classic group's member."),
  key('group.max.session.timeout.ms', 'INT', '1800000', "The longest session timeout of a classic group's member."),
  key('group.initial.rebalance.delay.ms', 'INT', '3000', 'How long an empty group waits for more members.'),
  key('group.max.size', 'INT', '2147483647', 'How many members a classic group has at most.', positive),
  key('group.coordinator.rebalance.protocols', 'LIST', 'classic,consumer,streams', 'Kinds of groups that are served.', {
    accepts: listOf('classic', 'consumer', 'share', 'streams'),
  }),
  key('group.consumer.session.timeout.ms', 'INT', '45000', 'Session timeout of a KIP-848 member.', positive),
  key('group.consumer.min.session.timeout.ms', 'INT', '45000', 'The least that a group may set for it.', positive),
  key('group.consumer.max.session.timeout.ms', 'INT', '60000', 'The most that a group may set for it.', positive),
  key('group.consumer.heartbeat.interval.ms', 'INT', '5000', 'How often a KIP-848 member calls.', positive),
  key('group.consumer.min.heartbeat.interval.ms', 'INT', '5000', 'The least that a group may set for it.', positive),
  key('group.consumer.max.heartbeat.interval.ms', 'INT', '15000', 'The most that a group may set for it.', positive),
  key('group.consumer.max.size', 'INT', '2147483647', 'How many members a KIP-848 group has at most.', positive),
  key(
    'group.consumer.assignment.interval.ms',
    'INT',
    '1000',
    'The least between two assignments of a group.',
    notNegative,
  ),
  key('group.consumer.min.assignment.interval.ms', 'INT', '0', 'The least that a group may set for it.', notNegative),
  key(
    'group.consumer.max.assignment.interval.ms',
    'INT',
    '15000',
    'The most that a group may set for it.',
    notNegative,
  ),
  key(
    'group.consumer.migration.policy',
    'STRING',
    'bidirectional',
    'Which way a live group may move between the protocols: bidirectional, upgrade, downgrade, disabled.',
    { accepts: oneOfIgnoringCase('bidirectional', 'upgrade', 'downgrade', 'disabled') },
  ),
  key('group.share.session.timeout.ms', 'INT', '45000', "Session timeout of a share group's member.", positive),
  key('group.share.min.session.timeout.ms', 'INT', '45000', 'The least that a group may set for it.', positive),
  key('group.share.max.session.timeout.ms', 'INT', '60000', 'The most that a group may set for it.', positive),
  key('group.share.heartbeat.interval.ms', 'INT', '5000', "How often a share group's member calls.", positive),
  key('group.share.min.heartbeat.interval.ms', 'INT', '5000', 'The least that a group may set for it.', positive),
  key('group.share.max.heartbeat.interval.ms', 'INT', '15000', 'The most that a group may set for it.', positive),
  key('group.share.max.size', 'INT', '200', 'How many members a share group has at most.', {
    accepts: between(1, 1_000),
  }),
  key(
    'group.share.assignment.interval.ms',
    'INT',
    '1000',
    'The least between two assignments of a group.',
    notNegative,
  ),
  key('group.share.min.assignment.interval.ms', 'INT', '0', 'The least that a group may set for it.', notNegative),
  key('group.share.max.assignment.interval.ms', 'INT', '15000', 'The most that a group may set for it.', notNegative),
  key('group.share.record.lock.duration.ms', 'INT', '30000', 'How long a consumer may hold a record.', {
    accepts: between(1_000, 3_600_000),
  }),
  key('group.share.min.record.lock.duration.ms', 'INT', '15000', 'The least that a group may set for it.', {
    accepts: between(1_000, 30_000),
  }),
  key('group.share.max.record.lock.duration.ms', 'INT', '60000', 'The most that a group may set for it.', {
    accepts: between(30_000, 3_600_000),
  }),
  key('group.share.delivery.count.limit', 'INT', '5', 'How often a record is delivered at most.', {
    accepts: between(2, 10),
  }),
  key('group.share.min.delivery.count.limit', 'INT', '2', 'The least that a group may set for it.', {
    accepts: between(2, 5),
  }),
  key('group.share.max.delivery.count.limit', 'INT', '10', 'The most that a group may set for it.', {
    accepts: between(5, 25),
  }),
  key(
    'group.share.partition.max.record.locks',
    'INT',
    '2000',
    'How many records of a partition a group holds at most.',
    {
      accepts: between(100, 10_000),
    },
  ),
  key('group.share.min.partition.max.record.locks', 'INT', '100', 'The least that a group may set for it.', {
    accepts: between(100, 2_000),
  }),
  key('group.share.max.partition.max.record.locks', 'INT', '4000', 'The most that a group may set for it.', {
    accepts: between(2_000, 10_000),
  }),
  key('group.share.max.share.sessions', 'INT', '2000', 'How many share sessions a broker has at most.', positive),
  key('group.consumer.assignors', 'LIST', 'uniform,range', 'Assignors of KIP-848 groups, the first is the default.'),

  key(
    'offsets.topic.num.partitions',
    'INT',
    '50',
    'Over how many shards groups are spread; never changed later.',
    positive,
  ),
  key(
    'offsets.topic.replication.factor',
    'SHORT',
    '3',
    'Replicas of __consumer_offsets, as far as brokers are alive, but at least default.replication.factor.',
    positive,
  ),
  key('offsets.topic.segment.bytes', 'INT', '104857600', 'Segment size of __consumer_offsets.', positive),
  key('offsets.retention.minutes', 'INT', '10080', 'How long the offsets of an empty group are kept.', positive),
  key('offsets.retention.check.interval.ms', 'LONG', '600000', 'How often expired offsets are looked for.', positive),
  key('offsets.commit.timeout.ms', 'INT', '5000', 'How long a commit waits for the database.', positive),
  key('transaction.max.timeout.ms', 'INT', '900000', 'The longest time-out that a transaction may ask for.', positive),
  key(
    'transactional.id.expiration.ms',
    'INT',
    '604800000',
    'How long a transactional id that is not used is remembered.',
    positive,
  ),
  key(
    'transaction.abort.timed.out.transaction.cleanup.interval.ms',
    'INT',
    '10000',
    'How often transactions that last too long are looked for.',
    positive,
  ),
  key(
    'transaction.remove.expired.transaction.cleanup.interval.ms',
    'INT',
    '3600000',
    'How often expired transactional ids are looked for.',
    positive,
  ),
  key(
    'transaction.state.log.num.partitions',
    'INT',
    '50',
    'Over how many shards transactional ids are spread; never changed later.',
    positive,
  ),
  key(
    'transaction.state.log.replication.factor',
    'SHORT',
    '3',
    'Replicas of __transaction_state, as far as brokers are alive, but at least default.replication.factor.',
    positive,
  ),
  key('transaction.state.log.segment.bytes', 'INT', '104857600', 'Segment size of __transaction_state.', positive),
  key('offset.metadata.max.bytes', 'INT', '4096', 'The longest text that a client may store with an offset.'),
];

/** By name. */
export const BROKER_CONFIG_KEYS: ReadonlyMap<string, BrokerConfigKey> = new Map(
  [...OWN_KEYS, ...TOPIC_CONFIG_KEYS.flatMap(topicDefaults)]
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((one) => [one.name, one]),
);

/** The broker properties that give a topic property its default. */
function topicDefaults(topicKey: TopicConfigKey): BrokerConfigKey[] {
  const family = topicKey.synonyms.map(({ name }) => name);
  return topicKey.synonyms.map((synonym) => topicDefault(topicKey, synonym, family));
}

function topicDefault(topicKey: TopicConfigKey, synonym: BrokerSynonym, family: readonly string[]): BrokerConfigKey {
  const { accepts, ...rest } = topicKey;
  return {
    name: synonym.name,
    type: synonym.unitMs === undefined ? rest.type : 'INT',
    default: synonym.default === undefined ? rest.default : synonym.default,
    // Kafka checks properties of a family (times in several units) less strictly; the resulting default is cut to fit.
    ...(accepts && family.length === 1 ? { accepts } : {}),
    hasEffect: rest.hasEffect,
    mutability: synonym.readOnly ? 'read-only' : 'cluster-wide',
    // The scheduler's interval is the default of log.flush.interval.ms, not another name of it.
    ...(family.length > 1 && synonym.name !== 'log.flush.scheduler.interval.ms' ? { family } : {}),
    documentation: `${rest.name} of topics that do not set it. ${rest.documentation}`,
  };
}
