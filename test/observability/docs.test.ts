import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { dashboardFiles } from '../../grafana/source/pages.ts';

const run = promisify(execFile);

test('the generated pages match the code', async () => {
  const args = ['--enable-source-maps', '--import', './tools/swc-hook.mjs', 'test/observability/docs.ts', '--check'];
  await expect(run(process.execPath, args)).resolves.toMatchObject({ stdout: '' });
});

const panels = Object.entries(dashboardFiles()).flatMap(([file, text]) => {
  const { panels: all } = JSON.parse(text) as { panels: Panel[] };
  return all.filter(({ type }) => type !== 'row').map((panel) => ({ file, panel }));
});
interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly fieldConfig: { readonly defaults: { readonly unit?: string } };
  readonly datasource?: { readonly uid: string };
  readonly targets: readonly { readonly expr: string }[];
}

test('every panel has a description, a unit, and the chosen data source', () => {
  expect(panels.length).toBeGreaterThan(30);
  const incomplete = panels.filter(
    ({ panel: { description, fieldConfig, datasource, targets } }) =>
      !description || !fieldConfig.defaults.unit || datasource?.uid !== '${datasource}' || targets.length === 0,
  );
  expect(incomplete).toEqual([]);
});

test('every query uses the names of docs/METRICS.md', () => {
  const documented = new Set(
    [...readFileSync('docs/METRICS.md', 'utf8').matchAll(/^\| `([a-z0-9_]+)` \| (\w+)/gm)].flatMap(
      ([, name = '', type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name]),
    ),
  );
  const asked = panels.flatMap(({ panel }) =>
    panel.targets.flatMap(({ expr }) => expr.match(/\b(kafka|milepost|process|nodejs)_\w+/g) ?? []),
  );
  expect(asked.length).toBeGreaterThan(40);
  expect([...new Set(asked)].filter((name) => !documented.has(name))).toEqual([]);
});
