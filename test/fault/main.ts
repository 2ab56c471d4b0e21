// `npm run test:fault [-- --only kill-node,kill-postgres] [-- --rounds N]`: appliances in separate processes, and
// faults of processes, databases, disks and folders. Not a part of `npm test`: it takes minutes. It prints skipped
// cases and the reasons; the last line has the counts.
import { runCases } from '../support/run-cases.ts';
import { cases } from './cases/index.ts';

await runCases(cases);
