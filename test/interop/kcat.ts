// kcat (librdkafka): metadata, every codec both ways, keys and headers, a balanced consumer group.
import { check, command, missing, type Report } from '../support/run.ts';
import { codecs } from './codecs.ts';

export async function kcatCases(report: Report, broker: string): Promise<void> {
  const absent = await missing('kcat', '-V');
  if (absent) return report.skip('kcat', `${absent} (apt-get install kcat)`);

  await report.run('kcat lists the broker and its topics', async () => {
    const { status, stdout } = await command('kcat', ['-b', broker, '-L']);
    check(status === 0 && stdout.includes('1 brokers'), 'one broker is listed', stdout);
  });

  for (const codec of codecs)
    await report.run(`kcat produces and consumes with ${codec}`, async () => {
      const topic = `kcat-${codec}`;
      const lines = Array.from({ length: 2_000 }, (_, n) => `key-${n % 50}:value ${n} åäö ${'x'.repeat(n % 100)}`);
      const produced = await command(
        'kcat',
        [
          '-b',
          broker,
          '-P',
          '-t',
          topic,
          '-K',
          ':',
          '-H',
          'origin=test',
          '-z',
          codec,
          '-X',
          'acks=all',
          '-X',
          'enable.idempotence=true',
        ],
        `${lines.join('\n')}\n`,
      );
      check(produced.status === 0, 'the producer ends well', produced.stderr);
      const consumed = await command('kcat', [
        '-b',
        broker,
        '-C',
        '-t',
        topic,
        '-o',
        'beginning',
        '-e',
        '-q',
        '-f',
        '%k:%s|%h\n',
        '-X',
        'check.crcs=true',
      ]);
      const seen = consumed.stdout.trim().split('\n').sort();
      const expected = lines.map((line) => `${line}|origin=test`).sort();
      check(JSON.stringify(seen) === JSON.stringify(expected), 'all that was produced is consumed', seen.slice(0, 3));
    });

  await report.run('a balanced kcat group reads everything once and resumes', async () => {
    const args = [
      '-b',
      broker,
      '-G',
      'kcat-group',
      '-X',
      'auto.offset.reset=earliest',
      '-X',
      'enable.partition.eof=true',
      '-e',
      '-q',
      '-f',
      '%s\n',
      'kcat-none',
    ];
    const first = await command('kcat', args);
    check(first.stdout.trim().split('\n').length === 2_000, 'the group reads 2,000 records', first.stderr);
    const again = await command('kcat', args);
    check(again.stdout.trim() === '', 'the second time nothing is left', again.stdout);
  });
}
