// The Compose files, without Docker: images are pinned, services are watched, what is mounted exists, and the three brokers of the
// cluster differ in what they must differ in.
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
    const shared = /^x-milepost: [^]*?^ {2}image: milepost:\d/m.test(text) ? ['lock', 'milepost'] : [];
    check(images.length === services.size - shared.length && loose.length === 0, 'none floats', loose);
  });
  await report.run('compose: every service has a health check and keeps its data in a volume', async () => {
    const running = [...services].filter(([name]) => name !== 'lock');
    const isKept = (body: string): boolean => /-data:\//.test(body) || body.includes('<<: *milepost');
    const without = running.filter(([, body]) => !/^ {4}healthcheck:/m.test(body) || !isKept(body));
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
  await report.run(
    'compose: the cluster has three brokers on one database, and topics with three replicas',
    async () => {
      const cluster = readFileSync(join(FOLDER, 'cluster.yaml'), 'utf8');
      const brokers = ['milepost', 'broker-2', 'broker-3'].map((name) => servicesOf(cluster).get(name) ?? '');
      const each = (pattern: RegExp): (string | undefined)[] => brokers.map((body) => pattern.exec(body)?.[1]);
      check(each(/MILEPOST_BROKER_ID: "(\d)"/).join() === '1,2,3', 'their ids', brokers);
      const addresses = [
        'CLIENTS://broker-2:9193,BROKERS://broker-2:9094',
        'CLIENTS://broker-3:9293,BROKERS://broker-3:9094',
      ];
      const seen = each(/KAFKA_ADVERTISED_LISTENERS: (\S+)/).slice(1);
      check(seen.join() === addresses.join(), 'their addresses; the first has those of its settings.env', brokers);
      check(
        cluster.includes('--broker, 1=milepost, --broker, 2=broker-2, --broker, 3=broker-3'),
        'one authority',
        cluster,
      );
      const volumes = brokers.slice(1).map((body) => /volumes: \["(\S+):\/data"/.exec(body)?.[1] ?? '');
      check(
        new Set(volumes).size === 2 && volumes.every((name) => cluster.includes(`\n  ${name}:\n`)),
        'volumes',
        volumes,
      );
      for (const [setting, times] of [
        ['KAFKA_DEFAULT_REPLICATION_FACTOR: "3"', 2],
        ['KAFKA_MIN_INSYNC_REPLICAS: "2"', 2],
        ['DATABASE_URL: postgres://milepost@postgres:5432/milepost', 1],
      ] as const)
        check(cluster.split(setting).length - 1 === times, `${setting}, for the first and for the others`, cluster);
      const image = /image: (milepost:\S+)/.exec(text)?.[1] ?? '';
      check(image !== '' && cluster.includes(`image: ${image}\n`), 'one image', image);
      const scraped = readFileSync(join(FOLDER, 'prometheus-cluster.yaml'), 'utf8');
      check(scraped.includes('[milepost:9464, broker-2:9464, broker-3:9464]'), 'all of them are scraped', scraped);
      const plain = readFileSync(join(FOLDER, 'prometheus.yaml'), 'utf8');
      check(scraped.replace(', broker-2:9464, broker-3:9464', '') === plain, 'and nothing else differs', scraped);
    },
  );
  await report.run('compose: TLS and authentication first, and try.yaml alone takes them away', async () => {
    const own = services.get('milepost') ?? '';
    check(own.includes('lock: {condition: service_completed_successfully}'), 'after `milepost secure`', own);
    check(!/ALLOW_ANONYMOUS|:1883|:9092/.test(text), 'no port without', text);
    check(
      /MILEPOST_ADMIN_PASSWORD: \$\{MILEPOST_ADMIN_PASSWORD:\?/.test(text),
      'with a password that you choose',
      text,
    );
    const trial = servicesOf(`${readFileSync(join(FOLDER, 'try.yaml'), 'utf8')}\nend:\n`);
    check(/ALLOW_ANONYMOUS: "true"/.test(trial.get('milepost') ?? ''), 'only there', [...trial.keys()]);
  });
  await report.run('compose: images of the chart and of Compose are the same', async () => {
    const values = readFileSync('deploy/helm/milepost/values.yaml', 'utf8');
    const postgres = /repository: postgres\n +tag: (\S+)/.exec(values)?.[1] ?? '';
    check(postgres !== '' && text.includes(`postgres:${postgres}\n`), 'PostgreSQL is one version', postgres);
  });
}

function servicesOf(text: string): Map<string, string> {
  const block = /^services:\n([\s\S]*?)^\S/m.exec(text)?.[1] ?? '';
  const parts = block.split(/^ {2}([-\w]+):$/m).slice(1);
  return new Map(parts.flatMap((part, index) => (index % 2 === 0 ? [[part, parts[index + 1] ?? '']] : [])));
}
