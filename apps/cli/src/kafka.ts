// The Kafka of the command line: MILEPOST_BOOTSTRAP_SERVERS, else the broker on this machine.
import { readSettings } from '@milepost/settings';
import { connectionOptions, type KafkaAddress, kafkaFailure, TolerantAdmin } from '@milepost/streams';
import { kafkaAddress } from '../../chassis/src/kafka-address.ts';

/** @throws KafkaUnusable with where, why and the cure. */
export async function withKafka<Result>(work: (kafka: KafkaAddress) => Promise<Result>): Promise<Result> {
  const kafka = kafkaAddress(readSettings('appliance', process.env));
  try {
    return await work(kafka);
  } catch (error) {
    throw kafkaFailure(kafka, error);
  }
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
