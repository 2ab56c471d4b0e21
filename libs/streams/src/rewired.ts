// An API of the library whose requests are written, or whose answers are read, by us. All around it stays the library's:
// versions, headers, connections, retries. Its own codecs spend several times on a record what we then do with it.
import type { API, Connection, RequestCreator, ResponseParser } from '@platformatic/kafka';

type AnyApi = API<unknown[], unknown>;
type Send = Connection['send'];

/** `write` is given the arguments of the call. */
export function withWriter(
  api: AnyApi,
  write: (version: number, ...args: unknown[]) => ReturnType<RequestCreator>,
): AnyApi {
  return rewired(api, (connection, args) => (key, version, _write, ...rest) => {
    connection.send(key, version, () => write(version, ...args), ...rest);
  });
}

export function withParser(api: AnyApi, parse: ResponseParser<unknown>): AnyApi {
  return rewired(api, (connection) => (key, version, write, _parse, ...rest) => {
    connection.send(key, version, write, parse as never, ...rest);
  });
}

/** An API sends itself through the connection that it is given: here through one that swaps a part. */
function rewired(api: AnyApi, swapped: (connection: Connection, args: unknown[]) => Send): AnyApi {
  const call = (connection: Connection, ...args: unknown[]): void =>
    api({ send: swapped(connection, args) } as unknown as Connection, ...args);
  return Object.assign(call, { key: api.key, version: api.version, async: api.async });
}
