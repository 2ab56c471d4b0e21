// The Kafka of the command line: MILEPOST_BOOTSTRAP_SERVERS, else the broker on this machine.
import { readStaticConfig } from '@milepost/metadata';
import { readSettings, type Settings } from '@milepost/settings';
import { connectionOptions, type KafkaAddress, kafkaFailure, TolerantAdmin } from '@milepost/streams';
import { kafkaAddress } from '../../chassis/src/kafka-address.ts';
import { passwordOfSetting } from '../../chassis/src/setting-file.ts';

/** @throws KafkaUnusable with where, why and the cure. */
export async function withKafka<Result>(work: (kafka: KafkaAddress) => Promise<Result>): Promise<Result> {
  const settings = readSettings('appliance', process.env);
  const kafka = { ...kafkaAddress(settings), ...(settings.bootstrapServers ? {} : ownLogin(settings)) };
  try {
    return await work(kafka);
  } catch (error) {
    throw kafkaFailure(kafka, error);
  }
}

/** Where clients of our own broker log in, its administrator does. */
function ownLogin({ adminUsername: username, adminPassword, adminPasswordFile }: Settings): Pick<KafkaAddress, 'sasl'> {
  const { values } = readStaticConfig({ environment: process.env });
  const first = (values['listeners'] ?? '').split(':')[0]?.trim().toUpperCase();
  const map = (values['listener.security.protocol.map'] ?? '').split(',').map((entry) => entry.split(':'));
  const protocol = map.find(([name]) => name?.trim().toUpperCase() === first)?.[1] ?? first;
  const password = adminPassword ?? passwordOfSetting('MILEPOST_ADMIN_PASSWORD_FILE', adminPasswordFile);
  if (!protocol?.startsWith('SASL_') || password === undefined) return {};
  return { sasl: { mechanism: 'SCRAM-SHA-512', username, password } };
}

export function withAdmin<Result>(work: (admin: TolerantAdmin) => Promise<Result>): Promise<Result> {
  return withKafka(async (kafka) => {
    const limits = { retries: 0, connectTimeout: 3_000 };
    const admin = new TolerantAdmin({ clientId: 'milepost-cli', ...connectionOptions(kafka), ...limits });
    try {
      return await work(admin);
    } finally {
      await admin.close();
    }
  });
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
