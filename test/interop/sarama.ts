// IBM's sarama, built from its Go module.
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { fetched } from '../support/fetched.ts';
import { command, missing, type Report } from '../support/run.ts';
import { clientCases } from './client.ts';
import { codecs } from './codecs.ts';
import { here } from './here.ts';

const MOST_SECONDS_TO_BUILD = 900;

export async function saramaCases(report: Report, broker: string): Promise<void> {
  const built = await saramaProgram();
  if ('absent' in built) return report.skip('sarama', built.absent);
  await clientCases(report, broker, { name: 'sarama', ...built, codecs, protocols: ['classic'] });
}

export async function saramaProgram(): Promise<{ file: string; args: [] } | { absent: string }> {
  const absent = await missing('go', 'version');
  if (absent) return { absent: `${absent} (1.26 or newer)` };
  const file = resolve('.cache', 'interop', 'sarama');
  mkdirSync(resolve('.cache', 'interop'), { recursive: true });
  const build = ['build', '-C', here('sarama'), '-o', file, '.'];
  const built = await fetched(() => command('go', build, undefined, { limitMs: MOST_SECONDS_TO_BUILD * 1_000 }));
  return built.status === 0 ? { file, args: [] } : { absent: `go build: ${built.stderr.trim().split('\n').at(-1)}` };
}
