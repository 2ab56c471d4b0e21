// Reads the repository itself: habits that a reviewer would otherwise have to remember.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const MOST_LINES = 600;
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => name !== '' && !/\.(png|svg|ico|woff2)$/.test(name));
const sources = files.filter((name) => /\.(ts|mjs|js)$/.test(name));
const text = (name: string): string => {
  try {
    return readFileSync(name, 'utf8');
  } catch {
    return ''; // deleted, and not committed yet
  }
};
const offending = (names: readonly string[], pattern: RegExp): string[] =>
  names.flatMap((name) =>
    text(name)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1}: ${line.trim()}`] : [])),
  );

test('a file is one noun: none is too long', () => {
  expect(sources.filter((name) => text(name).split('\n').length > MOST_LINES)).toEqual([]);
});

test('libraries take time and chance from their host', () => {
  const edges =
    /^libs\/(node-host|postgres|streams|telemetry|settings|backup)\/|^libs\/ingress\/src\/aedes-engine|\/testing\//;
  const inside = sources.filter(
    (name) => name.startsWith('libs/') && !edges.test(name) && !/\.(test|contract)\.ts$/.test(name),
  );
  const world =
    /\b(Date\.now|new Date\(\)|Math\.random|performance\.|setTimeout|setInterval|setImmediate|process\.(env|hrtime|nextTick))/;
  expect(
    offending(
      inside.filter((name) => !name.startsWith('libs/simulator/')),
      world,
    ),
  ).toEqual([]);
});

test('no test is skipped without a reason, and none runs alone', () => {
  const tests = files.filter((name) => name.endsWith('.test.ts') && name !== 'test/tidy.test.ts');
  expect(offending(tests, /\b(test|describe|it)\.only\(|\bf(it|describe)\(|\bx(it|test|describe)\(/)).toEqual([]);
});

test('the lock file holds no registry address', () => {
  expect(offending(['package-lock.json'], /"resolved"/)).toEqual([]);
});

test('dependencies are pinned', () => {
  const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>;
  const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(([, range]) => !/^\d/.test(range));
  expect(loose).toEqual([]);
});

test('every app and library is known to nest-cli and to the layers', () => {
  const { projects } = JSON.parse(text('nest-cli.json')) as { projects: Record<string, unknown> };
  const layers = text('.dependency-cruiser.mjs');
  const names = (under: string): string[] => [
    ...new Set(sources.filter((name) => name.startsWith(`${under}/`)).map((name) => name.split('/')[1] ?? '')),
  ];
  expect([...names('apps'), ...names('libs')].filter((name) => !(name in projects))).toEqual([]);
  expect(names('libs').filter((name) => !new RegExp(`^  '?${name}'?: \\[`, 'm').test(layers))).toEqual([]);
});

test('every folder of a library whose folders are in layers is one of them', async () => {
  const config = '../.dependency-cruiser.mjs';
  const { rooms } = (await import(config)) as { rooms: Record<string, Record<string, readonly string[]>> };
  for (const [library, known] of Object.entries(rooms)) {
    const under = `libs/${library}/src/`;
    const folders = sources
      .filter((name) => name.startsWith(under) && !name.includes('/testing/'))
      .map((name) => name.slice(under.length).split('/').slice(0, -1).join('/'));
    expect([...new Set(folders)].filter((folder) => folder !== '' && !(folder in known))).toEqual([]);
    const order = Object.keys(known);
    const upward = order.filter((room, place) => known[room]?.some((below) => order.indexOf(below) >= place));
    expect(upward).toEqual([]);
  }
});

test('nothing points at the machine it was written on', () => {
  const home = new RegExp(['/ho' + 'me/', '/ro' + 'ot/', '/wo' + 'rk/'].join('|'));
  expect(
    offending(
      files.filter((name) => name !== 'package-lock.json'),
      home,
    ),
  ).toEqual([]);
});
