// `npm run test:fuzz [-- --only requests,kafka,mqtt,http --inputs 200000 --seed 7 --rounds 1]`: mutated requests over everything
// that the broker has a handler for, and strangers at each listener, who never authenticate. A round is one seed; a finding is
// reproduced by the printed part and seed alone.
import { parseArgs } from 'node:util';
import { firstSeed } from '../support/first-seed.ts';
import { runRound, type Tally } from './round.ts';
import { httpRound } from './strangers/http.ts';
import { kafkaRound } from './strangers/kafka.ts';
import { mqttRound } from './strangers/mqtt.ts';
import type { StrangerRound } from './strangers/stranger.ts';

interface Part {
  /** By default. */
  readonly inputs: number;
  readonly inputsOfRound: number;
  readonly round: (seed: number, inputs: number) => Promise<void>;
  readonly summary: () => string;
}

const options = {
  only: { type: 'string' },
  inputs: { type: 'string' },
  rounds: { type: 'string' },
  seed: { type: 'string' },
} as const;
const { values: args } = parseArgs({ options });
const parts: Readonly<Record<string, Part>> = {
  requests: requests(),
  kafka: strangers(kafkaRound, 1_000, 20_000),
  mqtt: strangers(mqttRound, 1_000, 5_000),
  http: strangers(httpRound, 1_000, 5_000),
};
const chosen = args.only?.split(',') ?? Object.keys(parts);
let place = '';
const strays: unknown[] = [];
process.on('unhandledRejection', (reason) => strays.push(reason));
process.on('uncaughtException', (error) => fail(error));
for (const name of chosen) {
  const part = parts[name];
  if (!part) throw new Error(`--only ${name}: expected of ${Object.keys(parts).join(', ')}`);
  await run(name, part);
}
process.exit();

async function run(name: string, { inputs, inputsOfRound, round, summary }: Part): Promise<void> {
  const rounds = Number(args.rounds ?? Math.ceil(Number(args.inputs ?? inputs) / inputsOfRound));
  const first = args.seed === undefined ? firstSeed() : Number(args.seed);
  process.stdout.write(`fuzz: ${name}: ${rounds} rounds of ${inputsOfRound}, seeds from ${first} on\n`);
  const began = performance.now();
  for (let seed = first; seed < first + rounds; seed++) {
    place = `--only ${name} --seed ${seed}`;
    try {
      await round(seed, inputsOfRound);
    } catch (failure) {
      fail(failure);
    }
    if (strays.length > 0) fail(strays[0]);
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`fuzz: ${summary()}, seeds ${first} to ${first + rounds - 1}, ${seconds} s\n`);
}

function requests(): Part {
  const tally: Tally = { wellFormed: 0, mutated: 0, answered: 0, closed: 0, kinds: new Set() };
  return {
    inputs: 160_000,
    inputsOfRound: 1_000,
    round: (seed, inputs) => runRound(seed, inputs, tally),
    summary: () =>
      `${tally.mutated} mutated and ${tally.wellFormed} well-formed requests of ${tally.kinds.size} APIs and versions, ` +
      `${tally.answered} answers, ${tally.closed} connections closed by the broker`,
  };
}

function strangers(round: StrangerRound, inputsOfRound: number, inputs: number): Part {
  const tally = { inputs: 0, answered: 0, connections: 0 };
  return {
    inputs,
    inputsOfRound,
    round: (seed, count) => round(seed, count, tally),
    summary: () =>
      `${tally.inputs} inputs of strangers on ${tally.connections} connections, ${tally.answered} were answered`,
  };
}

function fail(failure: unknown): never {
  process.stdout.write(
    `\nFAILED  ${place}: ${failure instanceof Error ? failure.stack : String(failure)}\n` +
      `again:  npm run test:fuzz -- ${place} --rounds 1\n`,
  );
  process.exit(1);
}
