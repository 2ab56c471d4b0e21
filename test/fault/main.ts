// `npm run test:fault [-- --only kill-node,kill-postgres] [-- --rounds N]`: appliances in separate processes, and
// faults of processes, databases, disks and folders. Not a part of `npm test`: it takes minutes. It prints skipped
// cases and the reasons; the last line has the counts.
import { parseArgs } from 'node:util';
import { Report } from '../support/run.ts';
import { cleanUp } from '../support/program.ts';
import { cases } from './cases/index.ts';
import type { FaultCase } from './fault-case.ts';

const { values } = parseArgs({ options: { only: { type: 'string' }, rounds: { type: 'string' } } });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void cleanUp().finally(() => process.exit(130)));
const report = new Report();
for (const one of chosen(values.only)) await run(one);
report.close();
process.exit();

function chosen(only: string | undefined): readonly FaultCase[] {
  if (only === undefined) return cases;
  return only.split(',').map((name) => {
    const found = cases.find((one) => one.name === name);
    if (found) return found;
    throw new Error(`--only ${name}: expected one of ${cases.map((one) => one.name).join(', ')}`);
  });
}

async function run({ name, claim, needs = [], rounds = 1, run: body }: FaultCase): Promise<void> {
  const title = `${name}: ${claim}`;
  for (const need of needs) {
    const reason = await need();
    if (reason !== undefined) return report.skip(title, reason);
  }
  const context = {
    rounds: Number(values.rounds ?? rounds),
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
