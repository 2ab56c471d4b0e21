// Node's clients: kafkajs at the low end of the protocol, @platformatic/kafka at the high end, and Nest's own Kafka
// transport (on kafkajs), as an application uses it: a request through one topic, its reply through another.
import { check, command, type Report } from '../support/run.ts';
import { clientCases } from './client.ts';
import { codecs } from './codecs.ts';
import { here } from './here.ts';

export const program = (name: string) => ({
  file: process.execPath,
  args: ['--import', './tools/swc-hook.mjs', here('node', name)],
});

export async function nodeCases(report: Report, broker: string): Promise<void> {
  const kafkajs = {
    name: 'kafkajs',
    ...program('kafkajs.ts'),
    codecs: ['none', 'gzip'],
    protocols: ['classic'],
  } as const;
  await clientCases(report, broker, kafkajs);
  const protocols = ['classic', 'consumer'] as const;
  await clientCases(report, broker, { name: 'platformatic', ...program('platformatic.ts'), codecs, protocols });

  await report.run("Nest's Kafka transport sends requests and gets their replies", async () => {
    const { file, args } = program('nest.ts');
    const { status, stdout, stderr } = await command(file, [...args, broker]);
    check(status === 0, 'the application ends well', stderr + stdout);
    const answers = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as unknown;
    check(JSON.stringify(answers) === JSON.stringify(EXPECTED), 'each request has its reply', answers);
  });
}

const EXPECTED = Array.from({ length: 20 }, (_, n) => ({ sum: n + n }));
