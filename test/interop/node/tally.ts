// What a reader has seen, and what its program prints of it: one JSON document, for client.ts to judge.

export interface Seen {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | undefined;
  readonly value: string;
  readonly origin: string | undefined;
}

export class Tally {
  readonly #wanted: number;
  readonly #values: string[] = [];
  readonly #last = new Map<number, number>();
  #complete = true;
  #ordered = true;

  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  get isEnough(): boolean {
    return this.#values.length >= this.#wanted;
  }

  add({ partition, offset, key, value, origin }: Seen): void {
    this.#values.push(value);
    this.#complete &&= key !== undefined && origin !== undefined;
    this.#ordered &&= offset > (this.#last.get(partition) ?? -1);
    this.#last.set(partition, offset);
  }

  answer(committed: number): object {
    const { length: read } = this.#values;
    const distinct = new Set(this.#values).size;
    return { read, distinct, complete: this.#complete, ordered: this.#ordered, committed };
  }
}

export const records = (count: number): { key: string; value: string }[] =>
  Array.from({ length: count }, (_, n) => ({ key: `k${n % 10}`, value: `v${n}` }));

type Command = (broker: string, ...args: string[]) => Promise<object>;

export async function run(commands: Readonly<Record<string, Command>>): Promise<void> {
  const [broker = '', name = '', ...args] = process.argv.slice(2);
  const answer = await commands[name]?.(broker, ...args);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
