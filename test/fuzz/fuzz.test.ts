// A small part of the fuzz run, with new seeds each time; `npm run test:fuzz` is the whole. A separate process, because
// an uncaught exception must end it, and not the test runner.
import { command } from '../support/run.ts';

const REQUESTS = 3_000;
/** Of each listener. */
const STRANGERS = 3_000;
/** Ten times the usual duration. */
const LIMIT_MS = 280_000;

async function fuzz(only: string, inputs: number): Promise<string> {
  const sources = ['--enable-source-maps', '--import', './tools/swc-hook.mjs'];
  const args = [...sources, 'test/fuzz/main.ts', '--only', only, '--inputs', String(inputs)];
  const { status, stdout, stderr } = await command(process.execPath, args, undefined, { limitMs: LIMIT_MS });
  expect({ status, printed: `${stdout}${stderr}` }).toMatchObject({ status: 0 });
  return stdout;
}

test('mutated requests over all APIs and versions end in a response or a closed connection, and harm nothing', async () => {
  const printed = await fuzz('requests', REQUESTS);
  expect(printed).toMatch(/^fuzz: \d+ mutated and \d+ well-formed requests of \d+ APIs and versions/m);
  // A round ends with its last burst, which may exceed the rest of the round.
  expect(Number(/(\d+) mutated and/.exec(printed)?.[1])).toBeGreaterThanOrEqual(REQUESTS);
});

test('strangers at every listener are refused, whatever they send', async () => {
  const printed = await fuzz('kafka,mqtt,http', STRANGERS);
  const counts = [...printed.matchAll(/(\d+) inputs of strangers/g)].map(([, count]) => Number(count));
  expect(counts).toEqual([STRANGERS, STRANGERS, STRANGERS]);
});
