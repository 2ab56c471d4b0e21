// Three Python clients, in their own virtual environment in .cache/interop: confluent-kafka, aiokafka, kafka-python.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fetched } from '../support/fetched.ts';
import { command, missing, type Report } from '../support/run.ts';
import { type Client, clientCases } from './client.ts';
import { codecs } from './codecs.ts';
import { here } from './here.ts';
import { pythonTransactions } from './transactions.ts';

const MOST_SECONDS_TO_INSTALL = 900;
const environment = resolve('.cache', 'interop', 'python');
export const interpreter = `${environment}/bin/python`;

const clients = [
  { name: 'confluent-kafka', script: 'confluent.py', protocols: ['classic', 'consumer'] },
  { name: 'aiokafka', script: 'aio.py', protocols: ['classic'] },
  { name: 'kafka-python', script: 'kafka_python.py', protocols: ['classic'] },
] as const;

export async function pythonCases(report: Report, broker: string): Promise<void> {
  const absent = (await missing('python3', '--version')) ?? (await installed());
  if (absent) return report.skip('the Python clients', absent);
  for (const { name, script, protocols } of clients) {
    const client: Client = {
      name,
      file: interpreter,
      args: [here('python', script)],
      codecs,
      protocols,
    };
    await clientCases(report, broker, client);
  }
  await pythonTransactions(report, broker, interpreter);
}

export const installed = (): Promise<string | undefined> => environmentWith('requirements.txt', environment);

/** A virtual environment in that folder. A text is the reason why it is unavailable here. */
export async function environmentWith(file: string, environment: string): Promise<string | undefined> {
  if (existsSync(`${environment}/ready`)) return undefined;
  mkdirSync(environment, { recursive: true });
  const limit = { limitMs: MOST_SECONDS_TO_INSTALL * 1_000 };
  const made = await command('python3', ['-m', 'venv', environment], undefined, limit);
  if (made.status !== 0) return `python3 -m venv: ${made.stderr.trim() || made.stdout.trim()}`;
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', here('python', file)];
  const { status, stderr } = await fetched(() => command(`${environment}/bin/python`, pip, undefined, limit));
  if (status !== 0) return `pip could not bring them: ${stderr.trim().split('\n').at(-1)}`;
  writeFileSync(`${environment}/ready`, '');
  return undefined;
}
