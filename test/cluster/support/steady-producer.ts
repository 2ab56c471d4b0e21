// A producer in a separate program that sends numbered records without end and prints, line by line, what became of them:
// librdkafka in Python, VerifiableProducer of Apache Kafka. It remembers what the program knows to be stored.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { StoredRecord } from '../../fault/support/kafka-load.ts';

/** What a line of the program says; undefined: nothing about a record. */
export type Line =
  | { readonly kind: 'stored'; readonly partition: number; readonly record: StoredRecord }
  | { readonly kind: 'failed'; readonly reason: string }
  | undefined;

export interface ProducerCommand {
  readonly topic: string;
  readonly partitions: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly read: (line: string) => Line;
}

export class SteadyProducer {
  readonly topic: string;
  /** By partition, in the order of the acknowledgements. */
  readonly acknowledged: StoredRecord[][];
  /** Records that the program gave up: why. */
  readonly failures: string[] = [];
  readonly #stop: () => Promise<void>;

  constructor({ topic, partitions, file, args, read }: ProducerCommand) {
    this.topic = topic;
    this.acknowledged = Array.from({ length: partitions }, () => []);
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints = (complaints + text).slice(-2_000)));
    let isOver = false;
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const seen = read(line);
      if (seen?.kind === 'stored') this.acknowledged[seen.partition]?.push(seen.record);
      else if (seen && !isOver) this.failures.push(seen.reason);
    });
    const ended = new Promise<void>((resolve) => lines.once('close', resolve));
    child.once('error', ({ message }) => this.failures.push(`${file}: ${message}`));
    child.once('exit', (status, signal) => {
      if (!isOver) this.failures.push(`${file} ended (${signal ?? status}): ${complaints}`);
    });
    this.#stop = async () => {
      isOver = true;
      child.kill('SIGTERM');
      await ended;
    };
  }

  /** Resolves when the program has waited for its records, and is gone. */
  stop(): Promise<void> {
    return this.#stop();
  }
}
