// A small share of the fuzz run, new seeds each time; `npm run test:fuzz` is the whole. A process of its own: what nobody
// catches there ends it, and does not end in the test runner.
import { command } from '../support/run.ts';

const REQUESTS = 3_000;

test('mutated requests over all APIs and versions end in an answer or a closed connection, and harm nothing', async () => {
  const sources = ['--enable-source-maps', '--import', './tools/swc-hook.mjs'];
  const args = [...sources, 'test/fuzz/main.ts', '--requests', String(REQUESTS)];
  const { status, stdout, stderr } = await command(process.execPath, args);
  expect(`${stdout}${stderr}`).toMatch(/^fuzz: 3000 mutated and \d+ well-formed requests of \d+ APIs and versions/m);
  expect(status).toBe(0);
}, 180_000);
