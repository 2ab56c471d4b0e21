// The progress of long work: a line every two seconds, and none for work that ends sooner.

const EVERY_MS = 2_000;
const MEGABYTE = 1024 * 1024;

export class Progress {
  readonly #say: (line: string) => void;
  #what = '';
  #totalBytes = 0;
  #doneBytes = 0;
  #saidAt = performance.now();

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** `totalBytes`: 0 if unknown. */
  begin(what: string, totalBytes = 0): void {
    this.#what = what;
    this.#totalBytes = totalBytes;
    this.#doneBytes = 0;
  }

  done(bytes: number): void {
    this.#doneBytes += bytes;
    if (performance.now() - this.#saidAt < EVERY_MS) return;
    this.#saidAt = performance.now();
    const of = this.#totalBytes > 0 ? ` of ${inMegabytes(this.#totalBytes)}` : '';
    this.#say(`${this.#what}: ${inMegabytes(this.#doneBytes)}${of}`);
  }
}

export const inMegabytes = (bytes: number): string => `${(bytes / MEGABYTE).toFixed(bytes < 10 * MEGABYTE ? 1 : 0)} MB`;
