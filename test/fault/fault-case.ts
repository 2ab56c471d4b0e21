// One fault of a user's machine, and what must be true afterwards. A file of cases/ exports one; cases/index.ts lists
// them.
import { existsSync } from 'node:fs';
import { PostgresServer } from '../support/postgres-server.ts';
import { missing } from '../support/run.ts';

export interface FaultCase {
  /** For `--only`, in the words of a command line: `kill-node`. */
  readonly name: string;
  /** A sentence about the system. */
  readonly claim: string;
  /** Without one of these the case is skipped, with the reason. */
  readonly needs?: readonly Need[];
  /** The default number of rounds. Absent: it has no rounds. */
  readonly rounds?: number;
  /** Passes by returning. @throws with the observation */
  readonly run: (context: FaultContext) => Promise<void>;
}

export interface FaultContext {
  readonly rounds: number;
  /** Prints a line of progress. */
  readonly note: (line: string) => void;
}

/** Undefined if it is available; else the reason why not. */
export type Need = () => string | undefined | Promise<string | undefined>;

export const postgresServer: Need = () => PostgresServer.missing();

/** For preloading a library that simulates a failing disk. */
export const cCompiler: Need = () =>
  process.platform === 'linux' ? missing('gcc', '--version') : 'only on Linux: libraries are preloaded';

const FAKETIME = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);

/** For LD_PRELOAD: the wall clock of a file (Debian's package faketime). */
export const faketimeLibrary = (): string | undefined => FAKETIME.find((path) => existsSync(path));

export const faketime: Need = () =>
  faketimeLibrary() === undefined ? 'libfaketime is not installed (Debian: faketime)' : undefined;
