// An API of the library whose requests we encode, or whose responses we decode. Everything else remains the library's:
// versions, headers, connections, retries. Its own codecs cost several times as much per record as all that we then do
// with it.
import type { API, Connection, Reader, RequestCreator } from '@platformatic/kafka';

type AnyApi = API<unknown[], unknown>;
type Send = Connection['send'];

/** `args` are those of the call. */
export interface Codec {
  readonly write?: (version: number, args: readonly unknown[]) => ReturnType<RequestCreator>;
  readonly read?: (key: number, version: number, reader: Reader, args: readonly unknown[]) => unknown;
}

/** An API sends itself through the connection that it gets: here one that replaces its codec. */
export function withCodec(api: AnyApi, { read, write }: Codec): AnyApi {
  const send =
    (connection: Connection, args: readonly unknown[]): Send =>
    (key, version, ownWrite, ownRead, ...rest) => {
      connection.send(
        key,
        version,
        write ? () => write(version, args) : ownWrite,
        read ? (_id, _key, _version, reader) => read(key, version, reader, args) as never : ownRead,
        ...rest,
      );
    };
  const call = (connection: Connection, ...args: unknown[]): void =>
    api({ send: send(connection, args) } as unknown as Connection, ...args);
  return Object.assign(call, { key: api.key, version: api.version, async: api.async });
}
