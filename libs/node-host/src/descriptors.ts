// The limited file descriptors of the process: fewer than there are files (10,000 partitions are 30,000). The least
// recently used ones are closed; their files are reopened at their next use.
import { closeSync, openSync } from 'node:fs';

/** A file whose descriptor may be closed at any time. */
export interface Lender {
  giveBack(): void;
}

export class Descriptors {
  #limit: number;
  #open = 0;
  /** The least recently used one comes first. */
  readonly #idle = new Set<Lender>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get open(): number {
    return this.#open;
  }

  /** Like openSync. Closes descriptors of idle files above the limit, or if the system has no more. */
  take(path: string, flags: number): number {
    while (this.#open >= this.#limit && this.#takeBackOne());
    try {
      return this.#take(path, flags);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if ((code !== 'EMFILE' && code !== 'ENFILE') || !this.#takeBackOne()) throw error;
      this.#limit = this.#open + 1; // the system's limit is below ours
      return this.#take(path, flags);
    }
  }

  giveBack(descriptor: number): void {
    this.#open--;
    closeSync(descriptor);
  }

  /** The file was used just now; until `isIdle` it keeps its descriptor. */
  used(file: Lender, isIdle: boolean): void {
    this.#idle.delete(file);
    if (isIdle) this.#idle.add(file);
  }

  #take(path: string, flags: number): number {
    const descriptor = openSync(path, flags, 0o644);
    this.#open++;
    return descriptor;
  }

  #takeBackOne(): boolean {
    for (const file of this.#idle) {
      this.#idle.delete(file);
      file.giveBack();
      return true;
    }
    return false;
  }
}
