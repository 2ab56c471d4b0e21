// The schema registry and the serdes, judged by clients that we did not write: confluent-kafka (Python), kafkajs' registry
// client, kcat, and Avro's own checker of compatibility (Java).
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { HttpSchemaRegistry } from '../../apps/chassis/src/index.ts';
import { avroProblems } from '../../libs/registry/src/compatibility/avro.ts';
import { Deserializer, parseAvro } from '@milepost/serdes';
import { fetched } from '../support/fetched.ts';
import { cleanUp, dataFolder, Program, testSettings } from '../support/program.ts';
import { check, command, missing, type Report } from '../support/run.ts';
import { schemaPairs } from './avro-schemas.ts';
import { here } from './here.ts';
import { environmentWith } from './python.ts';

const PAIRS = 20_000;
const cache = (name: string): string => resolve('.cache', 'interop', name);

export async function schemaCases(report: Report, broker: string): Promise<void> {
  const registry = await Program.start('schema-registry', { ...testSettings, MILEPOST_DATA_DIR: dataFolder() });
  const url = `http://127.0.0.1:${registry.ports.http}/api/registry`;
  try {
    await pythonCase(report, url);
    await kafkajsCase(report, url);
    await kcatCase(report, url, broker);
  } finally {
    await cleanUp();
  }
  await avroCase(report);
  report.skip(
    "Java's KafkaAvroSerializer and KafkaProtobufSerializer",
    'their jars are in no registry that this suite uses (packages.confluent.io)',
  );
}

async function pythonCase(report: Report, url: string): Promise<void> {
  const absent = (await missing('python3', '--version')) ?? (await pythonInstalled());
  if (absent) return report.skip("confluent-kafka's serializers", absent);
  let seen: Record<string, unknown> = {};
  await report.run("confluent-kafka's registry client and serializers use the registry as Confluent's", async () => {
    const { status, stdout, stderr } = await command(interpreter, [here('python', 'schemas.py'), url]);
    check(status === 0, 'the program ends well', stderr);
    seen = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
    for (const [what, value] of Object.entries(PYTHON))
      check(JSON.stringify(seen[what]) === JSON.stringify(value), `${what} is ${JSON.stringify(value)}`, seen);
  });
  await report.run("Milepost reads what confluent-kafka's serializers wrote", async () => {
    const deserializer = new Deserializer(new HttpSchemaRegistry(url));
    for (const [what, value] of Object.entries(WRITTEN)) {
      const bytes = Buffer.from(String(seen[what]), 'hex');
      await deserializer.prepare([bytes]);
      const read = deserializer.read(bytes, 'json');
      check(shown(read.value) === shown(value), `${what} is ${shown(value)}`, read);
    }
  });
}

const PYTHON = {
  avro: true,
  protobuf: true,
  protobufWithImports: true,
  json: true,
  sameId: true,
  versions: [1],
  latest: [1, 'geo.Point'],
  lookup: 1,
  compatible: false,
  refused: [409, 409],
  set: 'NONE',
  get: 'NONE',
  second: true,
  absent: [404, 40_401],
  invalid: [422, 42_201],
  referenced: [422, 42_206],
  deleted: [2, [1]],
  hard: [1],
};

const WRITTEN = {
  avroBytes: { id: 'r-1', at: { lat: 57.7 }, km: 2 ** 40, kind: 'B', tags: { x: [1, -2] }, raw: Buffer.of(0, 255) },
  protobufBytes: { id: 't-1', someCount: 2 ** 40 },
  importsBytes: { thing: { id: 't-1', someCount: 2 ** 40 }, at: { seconds: 7, nanos: 0 } },
  jsonBytes: { a: 1 },
};

const shown = (value: unknown): string => JSON.stringify(value) ?? '';

const environment = cache('python-schemas');
const interpreter = `${environment}/bin/python`;

const pythonInstalled = (): Promise<string | undefined> => environmentWith('schemas-requirements.txt', environment);

interface KafkajsRegistry {
  register(schema: object, options: object): Promise<{ readonly id: number }>;
  encode(id: number, value: object): Promise<Buffer>;
  decode(bytes: Buffer): Promise<unknown>;
}

async function kafkajsCase(report: Report, url: string): Promise<void> {
  const name = "kafkajs' registry client registers, writes and reads Avro, Protobuf and JSON";
  const folder = cache('kafkajs-registry');
  const absent = await kafkajsInstalled(folder);
  if (absent) return report.skip(name, absent);
  await report.run(name, async () => {
    const load = createRequire(join(folder, 'package.json'));
    const { SchemaRegistry } = load('@kafkajs/confluent-schema-registry') as {
      SchemaRegistry: new (options: object) => KafkajsRegistry;
    };
    const deserializer = new Deserializer(new HttpSchemaRegistry(url));
    for (const [type, schema] of Object.entries(KAFKAJS)) {
      const client = new SchemaRegistry({ host: url });
      const { id } = await client.register({ type, schema }, { subject: `kafkajs-${type}` });
      const value = { id: 't-1', count: 5 };
      const bytes = await client.encode(id, value);
      const again = await new SchemaRegistry({ host: url }).decode(bytes);
      check(shown(again) === shown(value), `${type}: it reads what it wrote`, again);
      if (type === 'PROTOBUF') continue; // it writes no message index, so that no client but itself reads it
      await deserializer.prepare([bytes]);
      const read = deserializer.read(bytes, 'json');
      check(shown(read.value) === shown(value), `${type}: Milepost reads it`, read);
    }
  });
}

const KAFKAJS = {
  AVRO: JSON.stringify({
    type: 'record',
    name: 'Thing',
    namespace: 'kafkajs',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'count', type: 'int' },
    ],
  }),
  PROTOBUF: 'syntax = "proto3"; package kafkajs; message Thing { string id = 1; int32 count = 2; }',
  JSON: JSON.stringify({ type: 'object', properties: { id: { type: 'string' }, count: { type: 'integer' } } }),
};

/** A text is the reason why it is unavailable here. */
async function kafkajsInstalled(folder: string): Promise<string | undefined> {
  if (existsSync(join(folder, 'ready'))) return undefined;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const install = [
    'install',
    '--prefix',
    folder,
    '--ignore-scripts',
    '--no-audit',
    '@kafkajs/confluent-schema-registry@4.1.0',
  ];
  const { status, stderr } = await fetched(() => command('npm', install));
  if (status !== 0) return `npm could not bring it: ${stderr.trim().split('\n').at(-1)}`;
  writeFileSync(join(folder, 'ready'), '');
  return undefined;
}

async function kcatCase(report: Report, url: string, broker: string): Promise<void> {
  const name = 'kcat -s avro prints a value by its schema';
  const absent = await missing('kcat', '-V');
  if (absent) return report.skip(name, absent);
  const { stdout } = await command('kcat', ['-V']);
  if (!/avro/i.test(stdout)) return report.skip(name, 'this kcat was built without Avro');
  await report.run(name, async () => {
    const id = await new HttpSchemaRegistry(url).register('kcat-value', {
      type: 'AVRO',
      text: '"long"',
      references: [],
    });
    const value = Buffer.of(0, 0, 0, 0, id, 14);
    const written = await command(
      'kcat',
      ['-b', broker, '-P', '-t', 'kcat-avro', '-D', '\n'],
      `${value.toString('latin1')}\n`,
    );
    check(written.status === 0, 'kcat writes', written.stderr);
    const read = await command('kcat', [
      '-b',
      broker,
      '-C',
      '-t',
      'kcat-avro',
      '-e',
      '-q',
      '-s',
      'value=avro',
      '-r',
      url,
    ]);
    check(read.stdout.trim() === '7', 'it prints 7', read);
  });
}

async function avroCase(report: Report): Promise<void> {
  const name = `Avro's own SchemaCompatibility agrees about ${PAIRS} pairs of schemas`;
  const jars = await avroJars();
  if (jars.absent !== undefined) return report.skip(name, jars.absent);
  await report.run(name, async () => {
    const pairs = schemaPairs(PAIRS, 1);
    const lines = pairs.map((pair) => pair.join('\t')).join('\n');
    const { status, stdout, stderr } = await command(
      'java',
      ['-cp', `${jars.folder}/*`, here('java', 'AvroCompatibility.java')],
      `${lines}\n`,
    );
    check(status === 0, 'the program ends well', stderr);
    const verdicts = stdout.trim().split('\n');
    check(verdicts.length === PAIRS, 'each pair has a verdict', verdicts.length);
    const typeOf = (text: string) => parseAvro({ type: 'AVRO', text, references: [] });
    const differing = pairs.filter(([reader, writer], index) => {
      const isCompatible = avroProblems(typeOf(reader), typeOf(writer)).length === 0;
      return String(isCompatible) !== verdicts[index];
    });
    check(differing.length === 0, 'no verdict differs', differing.slice(0, 3));
    const compatible = verdicts.filter((verdict) => verdict === 'true').length;
    check(compatible > PAIRS / 10 && compatible < PAIRS * 0.9, 'there are enough of both verdicts', compatible);
  });
}

/** `absent`: the reason why they are unavailable here. */
async function avroJars(): Promise<{ readonly folder: string; readonly absent?: string }> {
  const folder = cache('avro-1.12.0');
  const absent = (await missing('java', '-version')) ?? (await missing('mvn', '-version'));
  if (absent) return { folder, absent: `${absent} (a JDK of 17 or newer, and Maven)` };
  if (existsSync(folder)) return { folder };
  const goal = ['-q', '-B', '-f', here('java', 'avro-pom.xml'), 'dependency:copy-dependencies'];
  const copied = await fetched(() => command('mvn', [...goal, `-DoutputDirectory=${folder}.partly`]));
  if (copied.status !== 0)
    return { folder, absent: `Maven could not bring Avro: ${copied.stdout.trim().split('\n')[0]}` };
  renameSync(`${folder}.partly`, folder);
  return { folder };
}
