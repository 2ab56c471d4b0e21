// `npm run docs` writes the generated files: docs/METRICS.md, docs/CONFIG.md, docs/COMPATIBILITY.md and the Grafana
// dashboards. With --check it only reports which of them are out of date.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dashboardFiles } from '../../grafana/source/pages.ts';
import { compatibilityPage } from '../compat/page.ts';
import { configPage } from './config-page.ts';
import { metricsPage } from './metrics-page.ts';

const isCheck = process.argv.includes('--check');
const files = {
  'docs/METRICS.md': await metricsPage(),
  'docs/CONFIG.md': configPage(),
  'docs/COMPATIBILITY.md': compatibilityPage(),
  ...dashboardFiles(),
};
for (const [path, text] of Object.entries(files)) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue;
  if (isCheck) {
    process.stdout.write(`${path} is out of date: run \`npm run docs\`\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    process.stdout.write(`${path} written\n`);
  }
}
process.exit();
