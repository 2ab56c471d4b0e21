// The Kafka of the command line: MILEPOST_BOOTSTRAP_SERVERS, else the broker on this machine.
import { readStaticConfig } from '@milepost/metadata';
import { readSettings, type Settings } from '@milepost/settings';
import { connectionOptions, type KafkaAddress, kafkaFailure, TolerantAdmin } from '@milepost/streams';
import { interBrokerAddress } from '../../chassis/src/inter-broker-address.ts';
import { kafkaAddress } from '../../chassis/src/kafka-address.ts';
import { passwordOfSetting } from '../../chassis/src/setting-file.ts';

/** @throws KafkaUnusable with where, why and the cure. */
export async function withKafka<Result>(work: (kafka: KafkaAddress) => Promise<Result>): Promise<Result> {
  const settings = readSettings('appliance', process.env);
  const kafka = settings.bootstrapServers ? kafkaAddress(settings) : ownKafka(settings);
  try {
    return await work(kafka);
  } catch (error) {
    throw kafkaFailure(kafka, error);
  }
}

/** The broker on this machine; where its clients log in, its administrator does. */
function ownKafka(settings: Settings): KafkaAddress {
  const { adminUsername: username, adminPassword, adminPasswordFile } = settings;
  const { values } = readStaticConfig({ environment: process.env });
  const password = adminPassword ?? passwordOfSetting('MILEPOST_ADMIN_PASSWORD_FILE', adminPasswordFile);
  const admin = password === undefined ? undefined : { username, password };
  return interBrokerAddress(values, admin) ?? { ...kafkaAddress(settings), ...loginOfFirst(values, admin) };
}

function loginOfFirst(
  values: Readonly<Record<string, string>>,
  admin: { readonly username: string; readonly password: string } | undefined,
): Pick<KafkaAddress, 'sasl'> {
  const first = (values['listeners'] ?? '').split(':')[0]?.trim().toUpperCase();
  const map = (values['listener.security.protocol.map'] ?? '').split(',').map((entry) => entry.split(':'));
  const protocol = map.find(([name]) => name?.trim().toUpperCase() === first)?.[1] ?? first;
  if (!protocol?.startsWith('SASL_') || !admin) return {};
  return { sasl: { mechanism: 'SCRAM-SHA-512', ...admin } };
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
