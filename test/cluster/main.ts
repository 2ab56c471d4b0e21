// `npm run test:cluster [-- --only kill,freeze] [-- --rounds N]`: three brokers in separate processes on one PostgreSQL, under
// producers that we did not write: brokers are killed, frozen, restarted, wiped and replaced. Nothing that acks=all
// acknowledged may be lost, reordered or duplicated. Not a part of `npm test`: it takes minutes.
import { runCases } from '../support/run-cases.ts';
import { cases } from './cases/index.ts';

await runCases(cases);
