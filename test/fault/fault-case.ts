// One fault of a user's machine, and what must be true afterwards. A file of cases/ exports one; cases/index.ts lists
// them.
import { existsSync } from 'node:fs';
import { Jvm } from '../interop/jvm.ts';
import { installed } from '../interop/python.ts';
import { PostgresServer } from '../support/postgres-server.ts';
import { missing } from '../support/run.ts';
import type { Case, CaseContext, Need } from '../support/run-cases.ts';

export type FaultCase = Case;
export type FaultContext = CaseContext;

export const postgresServer: Need = () => PostgresServer.missing();

/** A JDK, and Apache Kafka's jars. */
export const java: Need = async () => {
  const jvm = await Jvm.found();
  return typeof jvm === 'string' ? jvm : undefined;
};

/** librdkafka's Python client. */
export const librdkafka: Need = async () => (await missing('python3', '--version')) ?? installed();

/** For preloading a library that simulates a failing disk. */
export const cCompiler: Need = () =>
  process.platform === 'linux' ? missing('gcc', '--version') : 'only on Linux: libraries are preloaded';

const FAKETIME = ['x86_64', 'aarch64'].map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`);

/** For LD_PRELOAD: the wall clock of a file (Debian's package faketime). */
export const faketimeLibrary = (): string | undefined => FAKETIME.find((path) => existsSync(path));

export const faketime: Need = () =>
  faketimeLibrary() === undefined ? 'libfaketime is not installed (Debian: faketime)' : undefined;
