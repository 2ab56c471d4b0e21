// `npm run bench:kafka [-- ROW … --quick]`: Milepost beside Apache Kafka 4.3.1, row by row; figures, never verdicts.
// Each row has its own file among the results. --quick only shows that it works; its figures mean nothing.
import { parseArgs } from 'node:util';
import { missing } from '../../support/run.ts';
import { report } from '../figures.ts';
import { prepareClient } from './client.ts';
import { FULL, kafkaRows, QUICK } from './rows.ts';

const options = { quick: { type: 'boolean', default: false } } as const;
const { values, positionals } = parseArgs({ options, allowPositionals: true });
const chosen = positionals.length > 0 ? positionals : Object.keys(kafkaRows);
for (const name of chosen)
  if (!kafkaRows[name]) throw new Error(`no row ${name}: expected of ${Object.keys(kafkaRows).join(', ')}`);

const absent =
  process.platform === 'linux'
    ? ((await missing('java', '-version')) ?? (await prepareClient()))
    : 'what a broker costs is read from /proc';
if (absent === undefined) for (const name of chosen) await measure(name);
else process.stdout.write(`skipped ${chosen.join(', ')}: ${absent}\n`);

async function measure(name: string): Promise<void> {
  const rows = (await kafkaRows[name]?.(values.quick ? QUICK : FULL)) ?? [];
  report(rows, !values.quick, `kafka-${name}`);
}
