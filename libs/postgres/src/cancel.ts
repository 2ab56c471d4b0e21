// Cancels the statement of a connection that was given up. Otherwise the server continues: it does not check the
// connection before the statement is over, and so holds its locks and its slot in max_connections until then.
import { connect } from 'node:net';
import type { ClientBase } from 'pg';

/** The number in place of a protocol version: PostgreSQL's documentation, "Message Formats", CancelRequest. */
const CANCEL_REQUEST = 80_877_102;
/** A server that is frozen does not read it; its statement_timeout counts from when it thaws. */
const GIVE_UP_MS = 5_000;

/** What pg stores of the server's greeting. */
interface Cancellable {
  readonly host: string;
  readonly port: number;
  readonly processID: number | null;
  readonly secretKey: number | null;
}

/** Sends the request on a separate connection, which needs no password and does not count; never fails. */
export function cancelStatement(client: ClientBase): void {
  const { host, port, processID, secretKey } = client as unknown as Cancellable;
  if (typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const request = Buffer.alloc(16);
  request.writeInt32BE(request.length, 0);
  request.writeInt32BE(CANCEL_REQUEST, 4);
  request.writeInt32BE(processID, 8);
  request.writeInt32BE(secretKey, 12);
  const socket = connect(host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port });
  socket.on('error', () => {});
  socket.setTimeout(GIVE_UP_MS, () => socket.destroy());
  socket.end(request);
  socket.resume(); // the server sends nothing and closes
}
