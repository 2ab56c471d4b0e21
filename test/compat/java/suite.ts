// Kafka's own command-line tools, in one JVM. A command is an entry of `commands/`; `kafka-4.3.1.txt` has its result
// with Apache Kafka itself.
import { writeFileSync } from 'node:fs';
import type { BrokerUnderTest } from '../brokers.ts';
import { kafkaJars } from '../kafka-jars.ts';
import { cache, type Entry, entriesIn, here, namesIn, run, type Suite, type Verdict } from '../suite.ts';
import { Complaint, NotHere, Tools } from './command.ts';
import { commands } from './commands/index.ts';
import { ToolsJvm } from './jvm.ts';

export class JavaTools implements Suite {
  readonly name = 'java';
  readonly entries = entriesIn(here('java', 'kafka-4.3.1.txt'));
  readonly mustPass = namesIn(here('java', 'must-pass.txt'));
  #jvm: ToolsJvm | undefined;

  async prepare(): Promise<string | undefined> {
    for (const program of ['javac', 'mvn']) {
      const found = await run(`java-${program}`, program, ['-version']);
      if (found.status !== 0) return `${program} is not installed (a JDK of 17 or newer, and Maven)`;
    }
    try {
      this.#jvm = new ToolsJvm(await kafkaJars());
      return undefined;
    } catch (failure) {
      return (failure as Error).message;
    }
  }

  async run({ name }: Entry, { bootstrap, logs }: BrokerUnderTest): Promise<Verdict> {
    const command = commands.find((one) => one.name === name);
    if (!command) return { outcome: 'FAILED', reason: 'no such command in commands/' };
    const tools = new Tools(this.#jvm as ToolsJvm, bootstrap, logs);
    try {
      await command.run(tools);
      return { outcome: 'PASSED', reason: '' };
    } catch (failure) {
      if (failure instanceof NotHere) return { outcome: 'SKIPPED', reason: failure.message };
      if (failure instanceof Complaint) return { outcome: 'FAILED', reason: failure.message };
      throw failure;
    } finally {
      writeFileSync(cache('logs', `java-${name}.log`), tools.log);
    }
  }

  async close(): Promise<void> {
    await this.#jvm?.close();
  }
}
