// One run of some work at a time. Callers that arrive during a run share the next one. A thousand callers that wait for an
// fsync thus cost two of them, and each knows that the run it waited for began after it had called.

export class GroupCommit {
  readonly #work: () => Promise<void>;
  /** The current run. It remains here until the next one begins, if there is a next one, so two runs never overlap. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  /** Resolves, or rejects, with a run that began at or after this call. */
  run(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    const begin = () => this.#begin();
    this.#next ??= this.#running.then(begin, begin);
    return this.#next;
  }

  /** Resolves, or rejects, with the current run; resolves immediately if there is none. */
  async current(): Promise<void> {
    await this.#running;
  }

  #begin(): Promise<void> {
    this.#next = undefined;
    const running = this.#work();
    this.#running = running;
    const end = () => {
      if (this.#next === undefined) this.#running = undefined;
    };
    running.then(end, end);
    return running;
  }
}
