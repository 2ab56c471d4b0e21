// The cases of a suite that starts programs, one after another, each with all that it left behind undone:
// `-- --only one,other` chooses, `-- --rounds N` sets how often a case repeats its fault.
import { parseArgs } from 'node:util';
import { cleanUp } from './program.ts';
import { Report } from './run.ts';

/** A fault, and what must be true afterwards. */
export interface Case {
  /** For `--only`, in the words of a command line: `kill-node`. */
  readonly name: string;
  /** A sentence about the system. */
  readonly claim: string;
  /** Without one of these the case is skipped, with the reason. */
  readonly needs?: readonly Need[];
  /** The default number of rounds. Absent: it has no rounds. */
  readonly rounds?: number;
  /** Passes by returning. @throws with the observation */
  readonly run: (context: CaseContext) => Promise<void>;
}

export interface CaseContext {
  readonly rounds: number;
  /** Prints a line of progress. */
  readonly note: (line: string) => void;
}

/** Undefined if it is available; else the reason why not. */
export type Need = () => string | undefined | Promise<string | undefined>;

/** Ends the process; its status says whether all passed. */
export async function runCases(cases: readonly Case[]): Promise<never> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string' } } });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
  const report = new Report();
  for (const one of chosen(cases, values.only)) await run(one, report, values.rounds);
  report.close();
  process.exit();
}

function chosen(cases: readonly Case[], only: string | undefined): readonly Case[] {
  if (only === undefined) return cases;
  return only.split(',').map((name) => {
    const found = cases.find((one) => one.name === name);
    if (found) return found;
    throw new Error(`--only ${name}: expected one of ${cases.map((one) => one.name).join(', ')}`);
  });
}

async function run(one: Case, report: Report, wantedRounds: string | undefined): Promise<void> {
  const { name, claim, needs = [], rounds = 1, run: body } = one;
  const title = `${name}: ${claim}`;
  for (const need of needs) {
    const reason = await need();
    if (reason !== undefined) return report.skip(title, reason);
  }
  const context = {
    rounds: Number(wantedRounds ?? rounds),
    note: (line: string) => void process.stdout.write(`        ${name}: ${line}\n`),
  };
  await report.run(title, async () => {
    try {
      await body(context);
    } finally {
      await cleanUp();
    }
  });
}
