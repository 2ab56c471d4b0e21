// librdkafka's own tests, in C: source and tests ship inside an npm package. Built once in .cache/compat.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { fetched } from '../support/fetched.ts';
import { kafkaPath } from './kafka-jars.ts';
import { cache, type Entry, entriesIn, here, namesIn, run, type Suite, type Verdict } from './suite.ts';

const PACKAGE = '@confluentinc/kafka-javascript';
const VERSION = '1.10.1'; // holds librdkafka 2.15.1
const LIMIT_MS = 900_000;
/** The factor for its tests' timeouts: two of them and a broker share two cores. */
const PATIENCE = 'test.timeout.multiplier=3';

const source = cache(`kafka-javascript-${VERSION}`, 'deps', 'librdkafka');
const tests = join(source, 'tests');

/** The output of `prepare`, for other programs. */
export const librdkafkaLibrary = { folder: join(source, 'src'), file: join(source, 'src', 'librdkafka.so.1') };

export function librdkafka(protocol: 'classic' | 'consumer'): Suite {
  const suffix = protocol === 'classic' ? '' : '-consumer';
  let scripts: Promise<string | undefined> | undefined;
  return {
    name: `librdkafka${suffix}`,
    entries: entriesIn(here('librdkafka', `kafka-4.3.1${suffix}.txt`)),
    mustPass: namesIn(here('librdkafka', `must-pass${suffix}.txt`)),
    prepare,
    run: async (entry, { bootstrap }) => {
      // A few tests call Kafka's own scripts; without them those fail and the others are unaffected.
      scripts ??= kafkaPath().catch(() => undefined);
      return runTest(entry, bootstrap, protocol, await scripts);
    },
  };
}

async function prepare(): Promise<string | undefined> {
  if (existsSync(join(tests, 'test-runner'))) return undefined;
  for (const [header, debian] of Object.entries(HEADERS))
    if (!existsSync(header)) return `${header} is missing (apt-get install build-essential ${debian})`;
  const folder = cache(`kafka-javascript-${VERSION}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const pack = ['pack', `${PACKAGE}@${VERSION}`, '--silent'];
  const packed = await fetched(() => run('npm-pack', 'npm', pack, { cwd: folder }));
  if (packed.status !== 0) return `npm pack ${PACKAGE}: ${packed.output.trim()}`;
  const build = 'tar xzf *.tgz --strip-components=1 && cd deps/librdkafka && ./configure --disable-curl --disable-sasl';
  const make = `make -j2 libs && cd tests && ${ONE_REPLICA} && make -j2 build`;
  const built = await run('librdkafka-build', 'sh', ['-c', `${build} && ${make}`], { cwd: folder, limitMs: 900_000 });
  return built.status === 0 ? undefined : `it does not build: see ${cache('logs', 'librdkafka-build.log')}`;
}

/** Four tests require three replicas, for no reason of their own: one node can serve them with one. */
const ONE_REPLICA = [
  "sed -i 's/part_cnt_\\([12]\\), 3, 5000/part_cnt_\\1, 1, 5000/' 0107-topic_recreate.c",
  "sed -i 's/topic.c_str(), 1, 3)/topic.c_str(), 1, 1)/' 0111-delay_create_topics.cpp",
  "sed -i 's/, 3, 5000);/, 1, 5000);/' 0098-consumer-txn.cpp 0103-transactions.c",
].join(' && ');

const HEADERS = {
  '/usr/include/zlib.h': 'zlib1g-dev',
  '/usr/include/zstd.h': 'libzstd-dev',
  '/usr/include/rapidjson/document.h': 'rapidjson-dev',
  '/usr/include/openssl/ssl.h': 'libssl-dev',
};

async function runTest(
  { kind, name }: Entry,
  bootstrap: string,
  protocol: string,
  scripts: string | undefined,
): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-compat-'));
  try {
    const config = join(folder, 'test.conf');
    writeFileSync(config, [`bootstrap.servers=${bootstrap}`, 'test.topic.random=true', PATIENCE, ''].join('\n'));
    const env = {
      LD_LIBRARY_PATH: '../src:../src-cpp',
      RDKAFKA_TEST_CONF: config,
      TESTS: name,
      TEST_KAFKA_VERSION: '4.3.0',
      TEST_CONSUMER_GROUP_PROTOCOL: protocol,
      ...(scripts !== undefined && { KAFKA_PATH: scripts, BROKERS: bootstrap }),
    };
    // -E: its socket emulation fails no calls; the sockem tests are about exactly that.
    const args = ['-p1', '-L', '-K', ...(kind === 'sockem' ? [] : ['-E'])];
    if (kind === 'noautocreate') args.push('-s', 'noautocreate');
    const log = `librdkafka-${protocol}-${name}`;
    const { output } = await run(log, './test-runner', args, { cwd: tests, env, limitMs: LIMIT_MS });
    return verdict(name, output);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A failed test aborts: only its own line counts, not the exit status. */
function verdict(name: string, output: string): Verdict {
  const plain = stripVTControlCharacters(output);
  const outcome = new RegExp(`Test ${name} (PASSED|SKIPPED)|\\| ${name} +\\| +(PASSED|SKIPPED)`).exec(plain);
  const found = outcome?.[1] ?? outcome?.[2];
  if (found === 'PASSED' || found === 'SKIPPED') return { outcome: found, reason: '' };
  const failure = /### Test "[^"]*"[^\n]* failed at ([^\n]*?)(?: at \w{3} \w{3}[^\n]*)?###\n([^\n]*)/.exec(plain);
  if (/KAFKA_PATH( and BROKERS)? must be set/.test(plain))
    return { outcome: 'SKIPPED', reason: "needs Kafka's own scripts (Java and Maven)" };
  if (failure) return { outcome: 'FAILED', reason: `${failure[1]?.trim()} ${failure[2]}`.trim() };
  return { outcome: 'FAILED', reason: `no verdict; it ended with: ${plain.trim().split('\n').at(-1) ?? ''}` };
}
