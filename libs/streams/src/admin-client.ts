// The library's admin client, which also describes the partitions of internal topics. The library omits these topics
// from the metadata that it returns, even if they were named in the call.
import { Admin, type API, kGetApi } from '@platformatic/kafka';

interface MetadataResponse {
  readonly topics: { isInternal: boolean }[];
}
/** An error may carry the response that it was found in. */
type Callback = (error: (Error & { response?: MetadataResponse }) | null, response?: MetadataResponse) => void;

export class AdminClient extends Admin {
  override [kGetApi]<Args extends unknown[], Response>(
    name: string,
    callback: (error: Error | null, api?: API<Args, Response>) => void,
  ): void {
    super[kGetApi]<Args, Response>(name, (error, api) => {
      callback(error, api && name === 'Metadata' ? (withInternalTopics(api as never) as never) : api);
    });
  }
}

type Metadata = (connection: unknown, names: readonly string[] | null, ...rest: unknown[]) => void;

/** For calls that name topics: a call for all topics lists the internal ones by the library's own option. */
function withInternalTopics(api: Metadata): Metadata {
  const call: Metadata = (connection, names, ...rest) => {
    const callback = rest.pop() as Callback;
    const named: Callback = (error, response) => {
      const { topics = [] } = response ?? error?.response ?? {};
      if (names && names.length > 0) for (const topic of topics) topic.isInternal = false;
      callback(error, response);
    };
    api(connection, names, ...rest, named);
  };
  return Object.assign(call, api);
}
