// The broker's own files, as Kafka's DumpLogSegments reads them.
import { check, type Command, type Tools } from '../command.ts';

/** Several segments, with an index entry for about every batch. */
async function segments(tools: Tools): Promise<string> {
  const small = ['--config', 'segment.bytes=1048576', '--config', 'index.interval.bytes=1024'];
  const topic = await tools.topic('dump', '--partitions', '1', ...small);
  await tools.fill(topic, 15_000, 'compression.type=none', 'batch.size=4096', 'linger.ms=0');
  return topic;
}

const dump = (tools: Tools, files: readonly string[], ...args: string[]) =>
  tools.plain('DumpLogSegments', ['--files', files.join(','), ...args]);

export const logFiles: readonly Command[] = [
  {
    name: 'DumpLogSegments-deep-iteration',
    async run(tools) {
      const topic = await segments(tools);
      const files = tools.files(topic, 0, '.log');
      check(files.length > 1, 'several segments', files.length);
      const out = await tools.prints(dump(tools, files, '--deep-iteration', '--print-data-log'), /isvalid: true/);
      check(!/isvalid: false/.test(out), 'no invalid batch', out);
      const offsets = [...out.matchAll(/^\| offset: (\d+)/gm)].map(([, offset]) => Number(offset));
      check(offsets.length === 15_000 && offsets.every((offset, at) => offset === at), 'each offset once', out);
    },
  },
  {
    name: 'DumpLogSegments-index-sanity',
    async run(tools) {
      const topic = await segments(tools);
      for (const ending of ['.index', '.timeindex']) {
        // Not the last one: Kafka itself preallocates space in it, and its check refuses that.
        const files = tools.files(topic, 0, ending).slice(0, -1);
        const out = await tools.prints(dump(tools, files, '--index-sanity-check'));
        const sane = out.match(/passed sanity check|is empty/g)?.length ?? 0;
        check(sane === files.length, `${files.length} sound files`, out);
      }
    },
  },
  {
    name: 'DumpLogSegments-verify-index',
    async run(tools) {
      const topic = await segments(tools);
      const files = [...tools.files(topic, 0, '.index'), ...tools.files(topic, 0, '.timeindex')];
      const { status, out, err } = await dump(tools, files, '--verify-index-only');
      check(status === 0 && err === '' && out.includes('Dumping'), 'no mismatch', err || out);
    },
  },
  {
    name: 'DumpLogSegments-entries',
    async run(tools) {
      const topic = await segments(tools);
      const first = tools.files(topic, 0, '.index').slice(0, 1);
      await tools.prints(dump(tools, first), /^offset: \d+ position: \d+$/m);
      const times = tools.files(topic, 0, '.timeindex').slice(0, 1);
      await tools.prints(dump(tools, times), /^timestamp: \d+ offset: \d+$/m);
    },
  },
];
