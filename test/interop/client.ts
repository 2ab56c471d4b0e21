// The requests to every client library, in any language: write and read each codec in a group, continue where the group
// stopped, read what another client wrote, administer. The library runs in a small program that responds to each
// command with one JSON document.
import { check, command, type Report } from '../support/run.ts';
import type { Codec } from './codecs.ts';

export interface Client {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly codecs: readonly Codec[];
  /** Of groups, as the program's `read` takes them. */
  readonly protocols: readonly ('classic' | 'consumer')[];
}

const RECORDS = 2_000;

export async function clientCases(report: Report, broker: string, client: Client): Promise<void> {
  const { name } = client;
  for (const codec of client.codecs)
    await report.run(`${name} writes and reads ${codec}`, () =>
      writesAndReads(client, broker, `${name}-${codec}`, codec),
    );

  for (const protocol of client.protocols) {
    await report.run(
      `${name} reads what librdkafka wrote, in a ${protocol} group, and goes on where it stopped`,
      async () => {
        const topic = `${name}-${protocol}-group`;
        await writtenByKcat(broker, topic, RECORDS, client);
        await reads(client, broker, topic, topic, protocol);
        await writtenByKcat(broker, topic, 100, client);
        const seen = await asked(client, [broker, 'read', topic, topic, '100', ...kind(protocol)]);
        check(seen['read'] === 100 && seen['committed'] === RECORDS + 100, 'only what is new is read', seen);
      },
    );
  }

  await report.run(`${name} administers topics, configs, groups and offsets`, async () => {
    const seen = await asked(client, [broker, 'administer', `${name}-administered`]);
    const expected = {
      partitions: 4,
      retention: '1234',
      ends: 50,
      committed: 50,
      listed: true,
      state: 'EMPTY',
      emptied: true,
      gone: true,
    };
    for (const [what, value] of Object.entries(expected)) check(seen[what] === value, `${what} is ${value}`, seen);
  });
}

export async function writesAndReads(client: Client, broker: string, topic: string, codec: Codec): Promise<void> {
  const { written, failures } = await asked(client, [broker, 'write', topic, codec, String(RECORDS)]);
  check(written === RECORDS, `${RECORDS} records are acknowledged`, failures);
  await reads(client, broker, topic, `${topic}-group`);
}

async function reads(
  client: Client,
  broker: string,
  topic: string,
  group: string,
  protocol = 'classic',
): Promise<void> {
  const seen = await asked(client, [broker, 'read', topic, group, String(RECORDS), ...kind(protocol)]);
  const { read, distinct, complete, ordered, committed } = seen;
  check(read === RECORDS && distinct === RECORDS, 'each record is read once', seen);
  check(complete === true && ordered === true, 'keys, headers and order are as written', seen);
  check(committed === RECORDS, 'the offsets are committed', seen);
}

/** Programs of clients that support one kind of group take no such argument. */
const kind = (protocol: string): string[] => (protocol === 'classic' ? [] : [protocol]);

async function asked(client: Client, more: readonly string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await ran(client, more);
  check(status === 0, `${more[1]} ends well`, stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

const ran = ({ file, args, env = {} }: Client, more: readonly string[]) =>
  command(file, [...args, ...more], undefined, { env });

async function writtenByKcat(broker: string, topic: string, count: number, { codecs }: Client): Promise<void> {
  const codec = codecs.at(-1) ?? 'none';
  const lines = Array.from({ length: count }, (_, n) => `k${n % 10}:${topic} ${count} ${n}\n`);
  const args = ['-b', broker, '-P', '-t', topic, '-K', ':', '-H', 'origin=kcat', '-z', codec, '-X', 'acks=all'];
  const { status, stderr } = await command('kcat', args, lines.join(''));
  check(status === 0, 'kcat writes', stderr);
}
