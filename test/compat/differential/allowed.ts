// The differences between this broker's responses and Apache Kafka's, with their reasons. A run fails on a difference
// that is not listed here, and a whole run on an entry that matches none, so the list stays true.

export interface Allowed {
  /** Of `scenario · label · path`. */
  readonly where: RegExp;
  /** Matches the response as JSON, if only this one difference is meant. */
  readonly kafka?: RegExp;
  readonly ours?: RegExp;
  readonly why: string;
}

const NONE = /^"(absent|)"$/;
const TEXT = /^"<text>"$/;

/** Not implemented yet. */
export const missing: readonly Allowed[] = [
  {
    where: /^api-versions\/.* · apiKeys\[(80|81|83|84|85|86|87|88|89)\]/,
    ours: NONE,
    why: 'streams groups, requests to a share coordinator',
  },
  {
    where: /^api-versions\/.* · (supported|finalized)Features\[(streams|kraft|eligible)/,
    why: 'a feature is told of when it is there: no streams groups, no KRaft',
  },
  {
    where: /^configs\/all of a broker · /,
    ours: NONE,
    why: 'properties of parts that are not here: KRaft, tiered storage, streams groups, a part of those of TLS, SASL and replication',
  },
];

/** Different on purpose. */
export const better: readonly Allowed[] = [
  { where: /[eE]rrorMessage$/, kafka: NONE, ours: TEXT, why: 'says what was wrong where Kafka leaves it out' },
  {
    where: /^api-versions\/.* · supportedFeatures\[(transaction|share)\.version\]/,
    why: 'one level of a feature is implemented, and always on; Kafka hides those that may be off from old clients',
  },
  {
    where: /^produce\/in a transaction that is not open · /,
    kafka: /NOT_ENOUGH_REPLICAS|text/,
    why: 'the coordinator knows that there is no transaction; Kafka has none before its topic exists',
  },
  {
    where: /^produce\/records that are none · null, /,
    kafka: /no answer/,
    why: 'Kafka never answers: it fails while it logs its failure',
  },
  {
    where: /^groups\/large metadata · /,
    kafka: /no answer|absent/,
    why: 'Kafka never answers: the group is too large a record for its topic',
  },
  {
    where: /^metadata\/(a topic that is not there|names that no topic can have) · .* · topics\[/,
    kafka: /"UNKNOWN_TOPIC_OR_PARTITION"|"none"|absent/,
    why: 'a topic that is made because somebody asked for it is there in the answer; Kafka says so the second time',
  },
  {
    where: /^admin\/quotas · NaN bytes · /,
    kafka: /NONE/,
    ours: /INVALID_REQUEST/,
    why: 'Kafka takes it for a number',
  },
  {
    where: /^admin\/quotas · of one kind twice · /,
    why: 'Kafka drops the first of the two; here neither is taken',
  },
  {
    where: /^authorizer\/every API .* · Metadata v9, that creates a topic · /,
    kafka: /UNKNOWN_TOPIC_OR_PARTITION/,
    why: 'a topic that is made because somebody asked for it is there in the answer; Kafka says so the second time',
  },
  {
    where: /^authorizer\/lists · (created|described|deleted): /,
    kafka: /closed|UNKNOWN_SERVER_ERROR/,
    ours: /INVALID_REQUEST/,
    why: 'Kafka fails inside, or closes the connection',
  },
  {
    where: /^authorizer\/lists · described: .* of later · /,
    kafka: /NONE/,
    ours: /INVALID_REQUEST/,
    why: 'Kafka finds nothing by a code that it does not know; here the client is told',
  },
  { where: /^metadata\/by id · v1[23], neither · /, why: 'Kafka fails inside; here: UNKNOWN_TOPIC_ID for that topic' },
  { where: /^metadata\/partitions of topics · an empty name · /, why: 'Kafka fails inside' },
  { where: /^configs\/altered, .* · an unknown operation · /, why: 'Kafka fails inside' },
  { where: /^fetch\/limits of bytes · -1 /, why: 'Kafka fails inside; here a limit below zero is one of zero' },
  {
    where: /^fetch\/limits of bytes · .*records\[\d\]$/,
    kafka: /restBytes/,
    why: 'Kafka sends a piece of the next batch, of use to no one',
  },
  {
    where: /^list-offsets\/behind deleted records · \d: -3 · /,
    why: 'Kafka names the largest timestamp of records that were deleted',
  },
  {
    where: /^idempotence\/.* · the same partition twice · /,
    why: 'Kafka drops the first of the two; here both are taken',
  },
  {
    where: /^topics\/numbers · time-out (0|-1) · /,
    why: 'Kafka creates it and says that it timed out; here it is done by then',
  },
  { where: /^malformed\/headers · tags out of order · /, why: 'KIP-482 wants them in order; Kafka does not look' },
];

/** No client depends on it. */
export const harmless: readonly Allowed[] = [
  {
    where: /^groups\/coordinators · v[123], .* · errorMessage$/,
    kafka: TEXT,
    ours: NONE,
    why: 'Kafka answers the text "NONE" with no error',
  },
  {
    where: /^consumer-groups\/.*(memberEpoch|groupEpoch|assignmentEpoch)$/,
    why: 'epochs of a new group begin at 1, in Kafka at 2',
  },
  {
    where: /^consumer-groups\/one member · an old epoch · /,
    why: 'the epoch before the first one is 0, which means to join',
  },
  {
    where: /^consumer-groups\/subscriptions · an expression joins · assignment/,
    why: 'Kafka resolves expressions a little later',
  },
  {
    where: /^idempotence\/.* · .*logAppendTimeMs$/,
    ours: /^-1$/,
    why: 'with a repeated batch Kafka tells the producer its own timestamp back',
  },
  {
    where: /^(produce|idempotence)\/.*logStartOffset$/,
    kafka: /^-1$/,
    why: 'Kafka says where the log starts with some refusals and not with others',
  },
  { where: /^list-offsets\/ends of epochs · v\d, epoch -2 · /, why: 'no epoch is below zero' },
  {
    where: /^topics\/leaders elected · v\d, type 7, /,
    why: 'an unknown type is refused as a whole, not for each partition named',
  },
  {
    where: /^topics\/deleted, each version · v6, by id twice · /,
    why: 'the name of a topic is told also where it is refused',
  },
  {
    where: /^topics\/configs · .*\.value$/,
    why: 'a value is answered as it is understood; Kafka answers the text that came',
  },
  {
    where: /^topics\/configs · min\.cleanable\.dirty\.ratio=NaN · /,
    why: 'Kafka takes NaN for a number between 0 and 1',
  },
  { where: /^topics\/configs · internal\.segment\.bytes=/, why: "a property of Kafka's own tests" },
  {
    where: /^api-versions\/.* · apiKeys\[(71|72)\]/,
    why: 'Kafka tells of telemetry when a plugin for it is configured',
  },
  {
    where: /^api-versions\/.* · supportedFeatures\[(group|metadata)\.version\]/,
    why: 'features have one level here: there is no older one to go back to',
  },
  {
    where: /^configs\/all of a broker · .*\[(advertised\.)?listeners\]/,
    why: "settings of the host's own, not properties",
  },
  {
    where: /^configs\/all of a broker · .*\[offsets\.topic\.replication\.factor\]/,
    why: 'the Kafka that was asked has it set, to be one node',
  },
  {
    where: /^configs\/all of a broker · .*\[listener\.security\.protocol\.map\]/,
    why: 'the Kafka that was asked has it set, to be one node; it does not change while a broker runs',
  },
  {
    where: /^configs\/all of a broker · .*\[sasl\.(enabled\.mechanisms|mechanism\.inter\.broker\.protocol)\]/,
    why: 'there is no Kerberos: SCRAM is the default; it does not change while a broker runs',
  },
  {
    where:
      /^configs\/all of a broker · .*\[ssl\.(client\.auth|enabled\.protocols|key\.password|(key|trust)store\.\w+)\]/,
    why: 'PEM is the default, as there is no JKS; it does not change while a broker runs',
  },
  {
    where: /^configs\/all of a broker · .*\[(super\.users|allow\.everyone\.if\.no\.acl\.found)\]/,
    why: 'Kafka leaves the properties of an authorizer out where they are not set',
  },
  {
    where: /^configs\/all of a broker · .*\[broker\.session\.timeout\.ms\]/,
    why: 'a lease in a database outlasts one in a controller (docs/decisions/0019)',
  },
  {
    where: /^configs\/all of a broker · .*\[queued\.max\.(request|response)\.bytes\]/,
    why: 'what clients may cost is bounded (docs/decisions/0014)',
  },
  {
    where: /^configs\/all of a broker · .*\[group\.(consumer|share)\.assignment\.interval\.ms\]\.readOnly/,
    why: 'set at the start here',
  },
  {
    where: /^admin\/the quorum · /,
    why: 'the metadata is in PostgreSQL: no log of its own, no controllers as endpoints, -1 where Kafka leaves a 0',
  },
  { where: /^admin\/.* · errorMessage$/, kafka: /^""$/, ours: NONE, why: 'no text, or an empty one' },
  { where: /^admin\/features · .*errorMessage$/, kafka: TEXT, ours: NONE, why: 'Kafka says "NONE" with no error' },
  {
    where: /^admin\/producers · no such topic · .*errorMessage$/,
    kafka: TEXT,
    ours: NONE,
    why: 'the code says it all',
  },
  {
    where: /^admin\/brokers and folders · v\d, a (partition|topic) that is not there · /,
    why: 'both are wrong, the folder and the partition: Kafka tells of the folder',
  },
  { where: /min\.insync\.replicas/, why: 'with ELR (KIP-966), Kafka sets it for the cluster' },
  {
    where: /^configs\/of a broker · .*log\.cleaner\.threads=0 · /,
    why: 'a property without effect here is stored unjudged',
  },
  { where: /^configs\/what is asked for · levels of loggers · /, why: 'loggers are named by the program' },
];

export const allowed: readonly Allowed[] = [...missing, ...better, ...harmless];
