// The Kafka that the command line talks to: MILEPOST_BOOTSTRAP_SERVERS, else the broker on this machine.
import { readSettings } from '@milepost/settings';
import { Admin } from '@platformatic/kafka';

export async function withAdmin<Result>(work: (admin: Admin) => Promise<Result>): Promise<Result> {
  const { bootstrapServers, kafkaPort } = readSettings('appliance', process.env);
  const servers = bootstrapServers ?? [`127.0.0.1:${kafkaPort}`];
  const admin = new Admin({ clientId: 'milepost-cli', bootstrapBrokers: servers, retries: 0, connectTimeout: 3_000 });
  try {
    return await work(admin);
  } catch (error) {
    throw isUnreachable(error)
      ? new Error(`no Kafka answers at ${servers.join(', ')}: start one (npm start), or set MILEPOST_BOOTSTRAP_SERVERS`)
      : error;
  } finally {
    await admin.close();
  }
}

function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ((error as { code?: string }).code === 'PLT_KFK_NETWORK' || /ECONNREFUSED|ETIMEDOUT/.test(error.message))
    return true;
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error.cause, ...inner].some(isUnreachable);
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
