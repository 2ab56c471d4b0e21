// `npm run test:compat -- sample`: the part of the foreign suites that CI runs, some of each in a few minutes. Tests of
// librdkafka that take a second or two and cover different APIs; those of franz-go that are hardest to fake.
export const SAMPLE = {
  librdkafka:
    '0001,0005,0008,0012,0013,0014,0017,0019,0022,0029,0030,0031,0034,0036,0040,0044,0048,0054,0064,0067,0073,0082,0085,0090,0099,0130,0140',
  'librdkafka-consumer': '0012,0014,0022,0029,0030,0034,0050,0067,0073,0099,0130,0140',
  java: 'Metadata,Feature,Cluster,Broker,Leader,Reassign,Topic,Config,ClientMetrics,GetOffset,LogDirs,DeleteRecords,Dump',
  'franz-go': 'TestGroupSimple,TestPing,TestIssue,TestPause,TestPooling',
} as const;

/** Including the builds, on two cores. */
export const SAMPLE_MINUTES = {
  differential: 5,
  librdkafka: 5,
  'librdkafka-consumer': 1,
  java: 1,
  'franz-go': 3,
} as const;
