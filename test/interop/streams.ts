// A Kafka Streams application with a repartition topic and a changelog: it counts, loses its local state, and
// continues.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { check, command, type Report } from '../support/run.ts';
import { here } from './here.ts';
import type { Jvm } from './jvm.ts';

const LINE = 'a b b c c c';

export async function streamsCases(report: Report, broker: string, jvm: Jvm, folder: string): Promise<void> {
  await report.run(
    'a Streams application counts through a repartition topic, and goes on from its changelog',
    async () => {
      const state = join(folder, 'streams');
      const counts = async (total: number): Promise<unknown> => {
        rmSync(state, { recursive: true, force: true });
        mkdirSync(state);
        const args = [broker, 'lines', 'counted', String(total), state];
        const { status, stdout, stderr } = await jvm.run(here('java', 'Counts.java'), args);
        check(status === 0, `${total} words are counted`, stdout + stderr);
        return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown;
      };
      await write(broker, 500);
      const first = await counts(3_000);
      check(JSON.stringify(first) === '{"a":500,"b":1000,"c":1500}', 'each word is counted once', first);
      await write(broker, 100);
      const second = await counts(3_600);
      check(JSON.stringify(second) === '{"a":600,"b":1200,"c":1800}', 'the counts go on where they were', second);
    },
  );
}

async function write(broker: string, lines: number): Promise<void> {
  const { status, stderr } = await command('kcat', ['-b', broker, '-P', '-t', 'lines'], `${LINE}\n`.repeat(lines));
  check(status === 0, 'kcat writes', stderr);
}
