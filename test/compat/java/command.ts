// A command of Kafka's own tools, its arguments, and the output that it must print with Apache Kafka and with this
// broker.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Ran, ToolsJvm } from './jvm.ts';

export interface Command {
  readonly name: string;
  /** @throws Complaint */
  run(tools: Tools): Promise<void>;
}

/** The tool did not print what it should have. */
export class Complaint extends Error {
  override readonly name = 'Complaint';
}

const MOST_TRIES = 50;

/** The command has nothing to run on here: reported, and not counted as a failure. */
export class NotHere extends Error {
  override readonly name = 'NotHere';
}

/** Runs tools against one broker. */
export class Tools {
  readonly bootstrap: string;
  /** Everything that the tools of the command have printed. */
  log = '';
  readonly #jvm: ToolsJvm;
  readonly #logs: string | undefined;
  static #made = 0;

  /** `logs`: the folder of the broker's partitions; undefined if it is not accessible. */
  constructor(jvm: ToolsJvm, bootstrap: string, logs: string | undefined) {
    this.#jvm = jvm;
    this.bootstrap = bootstrap;
    this.#logs = logs;
  }

  /** A name that no other command uses. */
  fresh(name: string): string {
    return `${name}-${Tools.#made++}-${process.pid}`;
  }

  /** `org.apache.kafka.tools.<tool>`, or a class by its full name, with `--bootstrap-server`. */
  run(tool: string, ...args: string[]): Promise<Ran> {
    return this.plain(tool, ['--bootstrap-server', this.bootstrap, ...args]);
  }

  /** With no arguments but these. */
  async plain(tool: string, args: readonly string[], input?: string, limitSeconds?: number): Promise<Ran> {
    const name = tool.includes('.') ? tool : `org.apache.kafka.tools.${tool}`;
    const ran = await this.#jvm.run(name, args, input, limitSeconds);
    this.log += `$ ${tool} ${args.join(' ')}\n${ran.out}${ran.err}status ${ran.status}\n`;
    return ran;
  }

  /** Like `run`, in a separate JVM. */
  async apart(tool: string, ...args: string[]): Promise<Ran> {
    const own = ['--bootstrap-server', this.bootstrap, ...args];
    const ran = await this.#jvm.apart(`org.apache.kafka.tools.${tool}`, own);
    this.log += `$ ${tool} ${own.join(' ')}\n${ran.out}status ${ran.status}\n`;
    return ran;
  }

  /** It must succeed and print each of these. */
  async prints(ran: Promise<Ran>, ...patterns: RegExp[]): Promise<string> {
    const { status, out, err } = await ran;
    if (status !== 0) throw new Complaint(`expected success, seen status ${status}: ${lastOf(err || out)}`);
    return matching(out, patterns);
  }

  /** Like `prints`, sooner or later: Kafka responds to a change before the next requested broker knows of it. */
  async comesToPrint(run: () => Promise<Ran>, ...patterns: RegExp[]): Promise<string> {
    for (let tries = 1; tries < MOST_TRIES; tries++) {
      const { status, out } = await run();
      if (status === 0 && patterns.every((pattern) => pattern.test(out))) return out;
    }
    return this.prints(run(), ...patterns);
  }

  /** It must fail, and print each of these, on any output. */
  async fails(ran: Promise<Ran>, ...patterns: RegExp[]): Promise<void> {
    const { status, out, err } = await ran;
    if (status === 0 && patterns.length === 0) throw new Complaint(`expected a failure, seen: ${lastOf(out)}`);
    matching(out + err, patterns);
  }

  async topic(name: string, ...more: string[]): Promise<string> {
    const topic = this.fresh(name);
    await this.prints(this.run('TopicCommand', '--create', '--topic', topic, ...more), /Created topic/);
    await this.#led(topic);
    return topic;
  }

  /**
   * Kafka responds to a creation before each partition is led; an idempotent producer that starts too early never
   * recovers.
   */
  async #led(topic: string): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { status, out, err } = await this.run('GetOffsetShell', '--topic', topic);
      if (status === 0 && err === '' && out.includes(`${topic}:`)) return;
    }
    throw new Complaint(`expected leaders of ${topic}, seen none after ${MOST_TRIES} looks`);
  }

  /** Produces that many records of 100 bytes. */
  async fill(topic: string, records: number, ...properties: string[]): Promise<string> {
    const props = [`bootstrap.servers=${this.bootstrap}`, 'acks=all', ...properties];
    const args = ['--topic', topic, '--num-records', String(records), '--record-size', '100', '--throughput', '-1'];
    return this.prints(
      this.plain('ProducerPerformance', [...args, '--command-property', ...props]),
      new RegExp(`${records} records sent`),
    );
  }

  /** Files of a partition, by ending: full paths. */
  files(topic: string, partition: number, ending: string): string[] {
    if (this.#logs === undefined) throw new NotHere("the broker's files are out of reach");
    const folder = join(this.#logs, `${topic}-${partition}`);
    return readdirSync(folder)
      .filter((file) => file.endsWith(ending))
      .map((file) => join(folder, file));
  }
}

export function check(holds: boolean, expected: string, seen: unknown): void {
  if (!holds)
    throw new Complaint(`expected ${expected}, seen ${typeof seen === 'string' ? lastOf(seen) : String(seen)}`);
}

function matching(text: string, patterns: readonly RegExp[]): string {
  for (const pattern of patterns)
    if (!pattern.test(text)) throw new Complaint(`expected ${pattern}, seen: ${lastOf(text)}`);
  return text;
}

const lastOf = (text: string): string => JSON.stringify(text.trim().slice(-400));
