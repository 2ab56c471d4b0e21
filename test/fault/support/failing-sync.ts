// A disk that fails to sync some files: a small library, compiled for this run, that is preloaded into an appliance.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFolder } from '../../support/program.ts';
import { check, command } from '../../support/run.ts';

export class FailingSync {
  /** For the environment of the program with that disk. */
  readonly settings: Readonly<Record<string, string>>;
  readonly #control: string;

  private constructor(library: string, control: string) {
    this.settings = { LD_PRELOAD: library, FAILING_SYNC: control };
    this.#control = control;
  }

  static async compile(): Promise<FailingSync> {
    const folder = dataFolder();
    const library = join(folder, 'failing-sync.so');
    const source = join(import.meta.dirname, 'failing-sync.c');
    const { status, stderr } = await command('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl']);
    check(status === 0, 'gcc compiles failing-sync.c', stderr);
    return new FailingSync(library, join(folder, 'control'));
  }

  /** From now on, for files whose path contains this. */
  fail(text: string): void {
    writeFileSync(this.#control, text);
  }
}
