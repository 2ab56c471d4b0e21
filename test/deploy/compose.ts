// The Compose file, without Docker: its images are pinned, its services are watched, what it mounts exists.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { check, type Report } from '../support/run.ts';

const FOLDER = 'deploy/compose';

export async function composeCases(report: Report): Promise<void> {
  const text = readFileSync(join(FOLDER, 'compose.yaml'), 'utf8');
  const services = servicesOf(text);
  await report.run('compose: every image is pinned to a version', async () => {
    const images = [...text.matchAll(/^ {4}image: (\S+)$/gm)].map(([, image]) => image ?? '');
    const loose = images.filter((image) => !/:v?\d+\.\d+/.test(image));
    check(images.length === services.size && loose.length === 0, 'none floats', loose);
  });
  await report.run('compose: every service has a health check and keeps its data in a volume', async () => {
    const without = [...services].filter(([, body]) => !/^ {4}healthcheck:/m.test(body) || !/-data:\//.test(body));
    check(
      without.length === 0,
      'all have',
      without.map(([name]) => name),
    );
  });
  await report.run('compose: every file and folder that is mounted is in the repository', async () => {
    const mounted = [...text.matchAll(/^ {6}- (\.\.?\/[^:]+):/gm)].map(([, path]) => path ?? '');
    const gone = mounted.filter((path) => !existsSync(join(FOLDER, path)));
    check(mounted.length > 0 && gone.length === 0, 'all are there', gone);
  });
  await report.run('compose: images of the chart and of Compose are the same', async () => {
    const values = readFileSync('deploy/helm/milepost/values.yaml', 'utf8');
    const postgres = /repository: postgres\n +tag: (\S+)/.exec(values)?.[1] ?? '';
    check(postgres !== '' && text.includes(`postgres:${postgres}\n`), 'PostgreSQL is one version', postgres);
  });
}

function servicesOf(text: string): Map<string, string> {
  const block = /^services:\n([\s\S]*?)^\S/m.exec(text)?.[1] ?? '';
  const parts = block.split(/^ {2}(\w+):$/m).slice(1);
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [])));
}
