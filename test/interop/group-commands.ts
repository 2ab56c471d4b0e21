// The operator's tools for groups of both protocols: ConsumerGroupCommand lists, describes, resets and deletes them,
// while ConsoleConsumer is their member, and reads the records about them.
import { setTimeout as delay } from 'node:timers/promises';
import { check, command, type Finished, type Report } from '../support/run.ts';
import type { Jvm } from './jvm.ts';

const RECORDS = 300;
const MOST_TRIES = 100;
const MOST_SILENCE_MS = 120_000;
const CONSOLE = 'org.apache.kafka.tools.consumer.ConsoleConsumer';

export async function groupCommandCases(report: Report, broker: string, jvm: Jvm): Promise<void> {
  for (const protocol of ['classic', 'consumer'] as const) {
    const group = new ConsoleGroup(broker, jvm, protocol);
    await report.run(`ConsoleConsumer reads in a ${protocol} group, and ConsumerGroupCommand tells of it`, () =>
      group.readsAndIsDescribed(),
    );
    await report.run(`ConsumerGroupCommand shows the members and the state of a live ${protocol} group`, () =>
      group.livesAndIsDescribed(),
    );
    await report.run(`ConsumerGroupCommand moves and forgets the offsets of a ${protocol} group`, () =>
      group.isResetAndDeleted(),
    );
  }

  await report.run(
    "ConsoleConsumer prints what __consumer_offsets tells of groups, by Kafka's own formatters",
    async () => {
      // It ends after this much silence, even before its first record.
      const printed = async (formatter: string, silenceMs = 10_000): Promise<string> => {
        const from = ['--bootstrap-server', broker, '--topic', '__consumer_offsets', '--from-beginning'];
        const name = `org.apache.kafka.tools.consumer.${formatter}`;
        const how = ['--timeout-ms', String(silenceMs), '--formatter', name];
        const { stdout } = await jvm.run(CONSOLE, [...from, ...how]);
        return stdout === '' && silenceMs < MOST_SILENCE_MS ? printed(formatter, MOST_SILENCE_MS) : stdout;
      };
      const offsets = await printed('OffsetsMessageFormatter');
      for (const name of ['console-classic', 'console-consumer'])
        check(
          new RegExp(`"group":"${name}","topic":"${name}"`).test(offsets),
          `the offsets of ${name} are told`,
          offsets,
        );
      const groups = await printed('GroupMetadataMessageFormatter');
      check(/"group":"console-classic-live"/.test(groups), 'a classic group is told', groups);
    },
  );
}

class ConsoleGroup {
  readonly #broker: string;
  readonly #jvm: Jvm;
  readonly #protocol: string;
  /** The name of its topic, too. */
  readonly #name: string;

  constructor(broker: string, jvm: Jvm, protocol: string) {
    this.#broker = broker;
    this.#jvm = jvm;
    this.#protocol = protocol;
    this.#name = `console-${protocol}`;
  }

  async readsAndIsDescribed(): Promise<void> {
    const lines = Array.from({ length: RECORDS }, (_, n) => `${n}\n`).join('');
    await command('kcat', ['-b', this.#broker, '-P', '-t', this.#name], lines);
    const read = await this.#jvm.run(CONSOLE, [...this.#consoleArgs(this.#name), '--max-messages', String(RECORDS)]);
    const values = read.stdout.split('\n').filter((line) => /^\d+$/.test(line));
    check(values.length === RECORDS, 'all is read', said(read));
    const listed = await this.#groups('--list', '--state', '--type');
    const row = listed.stdout.split('\n').find((line) => line.startsWith(`${this.#name} `));
    const isRight = new RegExp(`${this.#protocol}\\s+Empty`, 'i').test(row ?? '');
    check(isRight, 'it is listed with its kind and state', said(listed));
    check((await this.#lag()) === 0, 'it has no lag', '');
  }

  async livesAndIsDescribed(): Promise<void> {
    const group = `${this.#name}-live`;
    const describe = (...what: string[]): Promise<Finished> => this.#groups('--describe', '--group', group, ...what);
    const stop = this.#jvm.start(CONSOLE, this.#consoleArgs(group));
    try {
      let state = await describe('--state');
      for (let tries = 1; !/Stable\s+1\s/.test(state.stdout) && tries < MOST_TRIES; tries++) {
        await delay(500);
        state = await describe('--state');
      }
      check(/Stable\s+1\s/.test(state.stdout), 'it is stable with one member', said(state));
      const members = await describe('--members', '--verbose');
      check(/\s\/127\.0\.0\.1\s/.test(members.stdout), 'its member is shown', said(members));
      check(/[0-3],[0-3],[0-3],[0-3]/.test(members.stdout), 'all partitions are its own', said(members));
      const refused = await this.#groups('--delete', '--group', group);
      check(/not empty|NotEmpty/i.test(said(refused)), 'it is not deleted while it lives', said(refused));
    } finally {
      await stop();
    }
  }

  async isResetAndDeleted(): Promise<void> {
    const seen = [
      await this.#reset('--to-datetime', '2020-01-01T00:00:00.000'),
      await this.#reset('--to-latest'),
      await this.#reset('--to-offset', '5'),
      await this.#reset('--shift-by', '-3'),
    ];
    const [all, none, after5, after2] = seen;
    check(all === RECORDS && none === 0, 'by time all is to be read again, at the end nothing', seen);
    check((after2 ?? 0) > (after5 ?? 0), 'a shift goes back', seen);
    const forgotten = await this.#groups('--delete-offsets', '--group', this.#name, '--topic', this.#name);
    check(forgotten.status === 0 && !/Error/.test(said(forgotten)), 'its offsets are deleted', said(forgotten));
    const deleted = await this.#groups('--delete', '--group', this.#name);
    check(/successful/.test(deleted.stdout), 'it is deleted', said(deleted));
    const left = await this.#groups('--list');
    check(!left.stdout.split('\n').includes(this.#name), 'it is gone', said(left));
  }

  /** Returns its lag afterwards. */
  async #reset(...how: string[]): Promise<number> {
    const which = ['--group', this.#name, '--topic', this.#name];
    const done = await this.#groups('--reset-offsets', ...which, '--execute', ...how);
    check(done.status === 0, `${how.join(' ')} is done`, said(done));
    return this.#lag();
  }

  /** The sum of the LAG column. */
  async #lag(): Promise<number> {
    const { stdout } = await this.#groups('--describe', '--group', this.#name);
    const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/));
    const at = rows.find((row) => row.includes('LAG'))?.indexOf('LAG') ?? -1;
    const lags = rows.filter((row) => row[0] === this.#name).map((row) => Number(row[at]));
    check(lags.length > 0 && !lags.some(Number.isNaN), 'its lag is known', stdout);
    return lags.reduce((sum, lag) => sum + lag, 0);
  }

  #groups(...args: string[]): Promise<Finished> {
    const tool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
    return this.#jvm.run(tool, ['--bootstrap-server', this.#broker, ...args]);
  }

  #consoleArgs(group: string): string[] {
    const from = ['--bootstrap-server', this.#broker, '--topic', this.#name, '--group', group, '--from-beginning'];
    return [...from, '--command-property', `group.protocol=${this.#protocol}`];
  }
}

const said = ({ stdout, stderr }: Finished): string => stdout + stderr;
