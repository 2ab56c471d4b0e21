// `npm run test:fuzz [-- --requests 200000 --seed 7 --rounds 1]`: mutated requests over everything that the broker has
// a handler for. A round is one seed; a finding is reproduced by the printed seed alone.
import { parseArgs } from 'node:util';
import { firstSeed } from '../support/first-seed.ts';
import { runRound, type Tally } from './round.ts';

const REQUESTS_PER_ROUND = 1_000;
const options = {
  requests: { type: 'string', default: '200000' },
  rounds: { type: 'string' },
  seed: { type: 'string' },
} as const;
const { values: args } = parseArgs({ options });
const rounds = Number(args.rounds ?? Math.ceil(Number(args.requests) / REQUESTS_PER_ROUND));
const first = args.seed === undefined ? firstSeed() : Number(args.seed);

const tally: Tally = { wellFormed: 0, mutated: 0, answered: 0, closed: 0, kinds: new Set() };
let seed = first;
const strays: unknown[] = [];
process.on('unhandledRejection', (reason) => strays.push(reason));
process.on('uncaughtException', (error) => fail(error));

process.stdout.write(`fuzz: ${rounds} rounds of ${REQUESTS_PER_ROUND} mutated requests, seeds from ${first} on\n`);
const began = performance.now();
for (let round = 0; round < rounds; round++, seed++) {
  const startedAt = performance.now();
  try {
    await runRound(seed, REQUESTS_PER_ROUND, tally);
  } catch (failure) {
    fail(failure);
  }
  if (strays.length > 0) fail(strays[0]);
  if (process.stdout.isTTY) process.stdout.write(`\rseed ${seed}: ${Math.round(performance.now() - startedAt)} ms  `);
}
const seconds = (performance.now() - began) / 1000;
process.stdout.write(
  `fuzz: ${tally.mutated} mutated and ${tally.wellFormed} well-formed requests of ${tally.kinds.size} APIs and versions, ` +
    `${tally.answered} answers, ${tally.closed} connections closed by the broker, ` +
    `seeds ${first} to ${seed - 1}, ${seconds.toFixed(1)} s\n`,
);

function fail(failure: unknown): never {
  process.stdout.write(
    `\nFAILED  seed ${seed}: ${failure instanceof Error ? failure.stack : String(failure)}\n` +
      `again:  npm run test:fuzz -- --seed ${seed} --rounds 1\n`,
  );
  process.exit(1);
}
