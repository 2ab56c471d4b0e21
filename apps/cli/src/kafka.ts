// The Kafka that the command line talks to: MILEPOST_BOOTSTRAP_SERVERS, else the broker on this machine.
import { readSettings } from '@milepost/settings';
import { connectionOptions, kafkaFailure } from '@milepost/streams';
import { Admin } from '@platformatic/kafka';
import { kafkaAddress } from '../../chassis/src/kafka-address.ts';

export async function withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const kafka = kafkaAddress(readSettings('appliance', process.env));
  const admin = new Admin({ clientId: 'milepost-cli', ...connectionOptions(kafka), retries: 0, connectTimeout: 3_000 });
  try {
    return await work(admin);
  } catch (error) {
    throw kafkaFailure(kafka, error);
  } finally {
    await admin.close();
  }
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
