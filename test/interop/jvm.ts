// Apache Kafka's own programs, from Maven.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { kafkaJars } from '../compat/kafka-jars.ts';
import { command, type Finished, missing, type Report } from '../support/run.ts';

export class Jvm {
  readonly #jars: string;

  private constructor(jars: string) {
    this.#jars = jars;
  }

  /** A text is the reason why there is none here. */
  static async found(): Promise<Jvm | string> {
    const absent = (await missing('java', '-version')) ?? (await missing('mvn', '-version'));
    if (absent) return `${absent} (a JDK of 17 or newer, and Maven)`;
    return kafkaJars().then(
      (jars) => new Jvm(jars),
      (failure: Error) => failure.message,
    );
  }

  /** A class of the jars, or a source file that uses them. `options` are those of the JVM. */
  run(program: string, args: readonly string[], input?: string, options: readonly string[] = []): Promise<Finished> {
    return command('java', [...this.#options, ...options, program, ...args], input);
  }

  /** A program that runs until it is stopped, as by Ctrl-C. */
  start(program: string, args: readonly string[], log: (text: string) => void = () => {}): () => Promise<void> {
    const child = this.launch(program, args);
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => log(chunk.toString()));
    return () => {
      child.kill('SIGTERM');
      return exited;
    };
  }

  /** The caller ends it, and reads what it prints. */
  launch(program: string, args: readonly string[]): ChildProcessByStdio<null, Readable, Readable> {
    return spawn('java', [...this.#options, program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  }

  get #options(): string[] {
    const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];
    return [...options, '-cp', `${this.#jars}/*`];
  }
}

type JvmCases = (report: Report, broker: string, jvm: Jvm, folder: string) => Promise<void>;

/** Cases that need Java, with their own folder; skipped without Java. */
export const withJvm =
  (name: string, cases: JvmCases) =>
  async (report: Report, broker: string): Promise<void> => {
    const jvm = await Jvm.found();
    if (typeof jvm === 'string') return report.skip(name, jvm);
    const folder = mkdtempSync(join(tmpdir(), 'milepost-java-'));
    try {
      await cases(report, broker, jvm, folder);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };

/** A Java properties file. */
export function propertiesFile(path: string, properties: Readonly<Record<string, string | number>>): string {
  writeFileSync(
    path,
    Object.entries(properties)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
  return path;
}
