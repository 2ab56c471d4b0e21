// A small share of the fuzz run, new seeds each time; `npm run test:fuzz` is the whole. A process of its own: what nobody
// catches there ends it, and does not end in the test runner.
import { command } from '../support/run.ts';

const REQUESTS = 3_000;
/** Ten times what it takes. */
const LIMIT_MS = 280_000;

test('mutated requests over all APIs and versions end in an answer or a closed connection, and harm nothing', async () => {
  const sources = ['--enable-source-maps', '--import', './tools/swc-hook.mjs'];
  const args = [...sources, 'test/fuzz/main.ts', '--requests', String(REQUESTS)];
  const { status, stdout, stderr } = await command(process.execPath, args, undefined, { limitMs: LIMIT_MS });
  const printed = `${stdout}${stderr}`;
  expect(printed).toMatch(/^fuzz: \d+ mutated and \d+ well-formed requests of \d+ APIs and versions/m);
  // A round ends with its last burst, which may hold more than the round still wanted.
  expect(Number(/(\d+) mutated and/.exec(printed)?.[1])).toBeGreaterThanOrEqual(REQUESTS);
  expect(status).toBe(0);
});
