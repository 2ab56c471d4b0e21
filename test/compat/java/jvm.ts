// One JVM for all of Kafka's command-line tools (Tools.java): one for each would take most of a suite's time.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { cache, here, run } from '../suite.ts';

export interface Ran {
  /** -1: still running at its limit. */
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const LIMIT_SECONDS = 300;
const JAVA = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

export class ToolsJvm {
  readonly #jars: string;
  #jvm: Running | undefined;
  /** One tool at a time: they share standard output. */
  #last: Promise<unknown> = Promise.resolve();

  /** `jars`: the folder of Kafka's jars. */
  constructor(jars: string) {
    mkdirSync(cache('logs'), { recursive: true });
    this.#jars = jars;
  }

  run(tool: string, args: readonly string[], input = '', limitSeconds = LIMIT_SECONDS): Promise<Ran> {
    const parts = [tool, String(limitSeconds), input, ...args];
    const ran = this.#last.then(() => this.#answer(parts.map(encoded).join(' ')));
    this.#last = ran.catch(() => {});
    return ran;
  }

  /** In a separate JVM: for a tool that does its last work when that ends. */
  async apart(tool: string, args: readonly string[]): Promise<Ran> {
    const command = [...JAVA, '-cp', join(this.#jars, '*'), tool, ...args];
    const { status, output } = await run('java-apart', 'java', command, { limitMs: LIMIT_SECONDS * 1_000 });
    return { status, out: output, err: '' };
  }

  async close(): Promise<void> {
    const jvm = this.#jvm;
    jvm?.child.kill('SIGKILL');
    await jvm?.exited;
  }

  /** A tool that refuses its arguments may end the JVM past Kafka's own Exit: the next one gets another. */
  async #answer(command: string): Promise<Ran> {
    const jvm = (this.#jvm ??= started(this.#jars));
    jvm.child.stdin.write(`${command}\n`);
    const { value, done } = await jvm.lines.next();
    if (done) {
      this.#jvm = undefined;
      return { status: await jvm.exited, out: '', err: 'the tool ended the JVM: are these its arguments?' };
    }
    const [status = '', out = '', err = ''] = value.split(' ');
    return { status: Number(status), out: decoded(out), err: decoded(err) };
  }
}

interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: AsyncIterator<string, undefined>;
  /** The tool's status. */
  readonly exited: Promise<number>;
}

function started(jars: string): Running {
  const child = spawn('java', [...JAVA, '-cp', join(jars, '*'), here('java', 'Tools.java')]);
  child.stderr.pipe(createWriteStream(cache('logs', 'java-jvm.log'), { flags: 'a' }));
  const exited = new Promise<number>((resolve) => void child.once('exit', (status) => resolve(status ?? -1)));
  return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator](), exited };
}

const encoded = (text: string): string => Buffer.from(text).toString('base64');
const decoded = (text: string): string => Buffer.from(text, 'base64').toString();
