// Franz-go's own tests of its client (package kgo), built from the Go module: those of its tests that need a broker.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fetched } from '../support/fetched.ts';
import type { BrokerUnderTest } from './brokers.ts';
import { cache, type Entry, entriesIn, here, namesIn, run, type Suite, type Verdict } from './suite.ts';

const PACKAGE = 'github.com/twmb/franz-go/pkg/kgo';
const RECORDS = '10000'; // its own default is half a million
const LIMIT_MS = 900_000;

const binary = cache('franz-go', 'kgo.test');
const module = here('franz-go');

export class FranzGo implements Suite {
  readonly name = 'franz-go';
  readonly entries = entriesIn(here('franz-go', 'kafka-4.3.1.txt'));
  readonly mustPass = namesIn(here('franz-go', 'must-pass.txt'));
  /** The tests read files of their own package. */
  #folder = '';

  async prepare(): Promise<string | undefined> {
    const version = await run('go-version', 'go', ['version']);
    if (version.status !== 0) return 'go is not installed (1.26 or newer)';
    mkdirSync(cache('franz-go'), { recursive: true });
    const compile = ['test', '-c', '-o', binary, PACKAGE];
    const built = await fetched(() => run('franz-go-build', 'go', compile, { cwd: module }));
    if (built.status !== 0) return `go test -c ${PACKAGE}: ${built.output.trim().split('\n').at(-1) ?? ''}`;
    const listed = await run('franz-go-list', 'go', ['list', '-f', '{{.Dir}}', PACKAGE], { cwd: module });
    this.#folder = listed.output.trim();
    return undefined;
  }

  async run({ name }: Entry, { bootstrap }: BrokerUnderTest): Promise<Verdict> {
    const env = { KGO_LOG_LEVEL: 'none', KGO_SEEDS: bootstrap, KGO_TEST_RF: '1', KGO_TEST_RECORDS: RECORDS };
    const args = ['-test.v', `-test.run=^${name}$`, `-test.timeout=${LIMIT_MS}ms`];
    const limitMs = LIMIT_MS + 10_000;
    const { output } = await run(`franz-go-${name}`, binary, args, { cwd: join(this.#folder), env, limitMs });
    if (output.includes(`--- PASS: ${name} `)) return { outcome: 'PASSED', reason: '' };
    if (output.includes(`--- SKIP: ${name} `)) return { outcome: 'SKIPPED', reason: '' };
    return { outcome: 'FAILED', reason: complaint(output) };
  }
}

const complaint = (output: string): string =>
  (/^\s+\w+_test\.go:\d+: (?!beginning|ETL|.*level)[^\n]*/m.exec(output) ??
    /^panic: [^\n]*/m.exec(output))?.[0].trim() ?? 'no verdict';
