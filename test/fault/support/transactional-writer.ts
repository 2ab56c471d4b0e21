// A producer of librdkafka with one transactional id, in one process after another; and what it knows of each of its transactions.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { interpreter } from '../../interop/python.ts';
import { check, command } from '../../support/run.ts';
import type { TransactionEnd, WrittenTransaction } from '../../support/transaction-history.ts';
import { ForeignProgram } from './foreign-program.ts';

const SCRIPT = fileURLToPath(new URL('../python/transactional_writer.py', import.meta.url));

export interface WriterTarget {
  readonly broker: string;
  readonly topic: string;
  readonly partitions: number;
}

export class TransactionalWriter {
  readonly #name: string;
  readonly #target: WriterTarget;
  /** By id, in the order of their beginnings. */
  readonly #transactions = new Map<string, WrittenTransaction>();
  #program: ForeignProgram;
  #lives = 0;

  constructor(name: string, target: WriterTarget) {
    this.#name = name;
    this.#target = target;
    this.#program = this.#start();
  }

  get transactions(): readonly WrittenTransaction[] {
    return [...this.#transactions.values()];
  }

  get complaint(): string | undefined {
    return this.#program.complaint;
  }

  countOf(end: TransactionEnd): number {
    return this.transactions.filter((one) => one.end === end).length;
  }

  /** kill -9. */
  kill(): Promise<void> {
    return this.#program.kill();
  }

  /** Its next process, which aborts what the last one has left open. */
  restart(): void {
    this.#program = this.#start();
  }

  /** Resolves when the transaction that the last process has left open has its end in every partition. */
  async end(): Promise<void> {
    const { status, stdout, stderr } = await command(interpreter, this.#args('last'));
    check(status === 0, 'the last transaction ends', stdout + stderr);
  }

  #start(): ForeignProgram {
    const child = spawn(interpreter, this.#args(String(this.#lives++)), { stdio: ['ignore', 'pipe', 'pipe'] });
    return new ForeignProgram(child, (line) => this.#read(line));
  }

  #args(life: string): string[] {
    const { broker, topic, partitions } = this.#target;
    return [SCRIPT, broker, this.#name, life, topic, String(partitions)];
  }

  #read(line: string): void {
    const [step, ...words] = line.split(' ');
    switch (step) {
      case 'began':
        return this.#set(words[0] ?? '', 'open');
      case 'asks':
        return this.#set(words[1] ?? '', words[0] === 'commit' ? 'committing' : 'aborted', Number(words[2]));
      case 'committed':
      case 'aborted':
        return this.#set(words[0] ?? '', step);
    }
  }

  #set(id: string, end: TransactionEnd, records = this.#transactions.get(id)?.records ?? 0): void {
    this.#transactions.set(id, { id, writer: this.#name, end, records });
  }
}
