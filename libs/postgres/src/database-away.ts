// Distinguishes a database that is away for a while from one that refuses.

/** SQLSTATE classes and codes after which the same request may succeed a moment later. */
const PASSING = /^(08|53|40|57P0|25006|25P03|57014|55P03)/;

/** Away, stopping, starting, out of connections or space, or silent: worth a retry. */
export function isAway(error: unknown): boolean {
  const { driverError } = error as { driverError?: unknown };
  if (driverError !== undefined) return isAway(driverError);
  const { code, severity } = error as { code?: string; severity?: string };
  if (severity !== undefined) return PASSING.test(code ?? '');
  return isSocketError(code) || silences.test((error as Error).message);
}

/** Messages of pg, its pool and TypeORM for a broken connection: these errors have no code. */
const silences =
  /^(Connection terminated|timeout expired|Query read timeout|timeout exceeded|Client has encountered a connection error|Client was closed|Query runner already released|no response in time)/;

/** The system's errors, such as ECONNREFUSED; of Node's own only those of a closed stream. */
const isSocketError = (code = ''): boolean => /^(E(?!RR_)|ERR_STREAM_)[A-Z_]+$/.test(code);
