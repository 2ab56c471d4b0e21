// Writes lines of words to a topic at an even pace, by an idempotent producer (kafkajs), through all lives of the broker. Each line
// has a number as its key. A line whose send has failed for good may be stored or not: the next one follows it.
import kafkajs, { type Producer } from 'kafkajs';
import { setTimeout as pause } from 'node:timers/promises';
import { kafkajs as client } from '../../e2e/support/log-reader.ts';
import { cleanUpWith } from '../../support/program.ts';

const LINES_AT_ONCE = 5;
const PAUSE_MS = 50;
const RETRY_MS = 200;

export class LineWriter {
  /** The keys of the lines that are known to be stored. */
  readonly acknowledged: string[] = [];
  readonly #topic: string;
  readonly #kafka: kafkajs.Kafka;
  readonly #lineOf: (number: number) => string;
  #number = 0;
  #isOver = false;
  #end: Promise<void> = Promise.resolve();

  private constructor(port: number, topic: string, lineOf: (number: number) => string) {
    this.#kafka = client(port);
    this.#topic = topic;
    this.#lineOf = lineOf;
  }

  static start(port: number, topic: string, lineOf: (number: number) => string): LineWriter {
    const writer = new LineWriter(port, topic, lineOf);
    writer.#end = writer.#write();
    cleanUpWith(() => writer.stop());
    return writer;
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#end;
  }

  async #write(): Promise<void> {
    while (!this.#isOver) {
      const producer = this.#kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      });
      try {
        await producer.connect();
        while (!this.#isOver) {
          await this.#send(producer);
          await pause(PAUSE_MS);
        }
      } catch {
        await pause(RETRY_MS);
      } finally {
        await producer.disconnect().catch(() => {});
      }
    }
  }

  async #send(producer: Producer): Promise<void> {
    const numbers = Array.from({ length: LINES_AT_ONCE }, () => this.#number++);
    const messages = numbers.map((number) => ({ key: String(number), value: this.#lineOf(number) }));
    await producer.send({ topic: this.#topic, acks: -1, messages });
    this.acknowledged.push(...numbers.map(String));
  }
}
