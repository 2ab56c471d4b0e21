// The APIs and versions of the broker: the first request of nearly every client, served before authentication.
// v3 is flexible and has the client's name (KIP-511) and features (KIP-584); v4 lets a feature's minimum be 0.
// The response header is version 0 in every version: the client does not know our versions yet.
// An unknown version gets a v0 response with UNSUPPORTED_VERSION and our own range; its body is not read.
import { api, type RequestOf, type ResponseOf } from '../schema/api.ts';
import { array, bool, errorCode, int16, long, string } from '../schema/field.ts';
import { throttleTimeMs } from './parts.ts';

export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 4],
  flexible: 3,
  request: {
    clientSoftwareName: string.since(3).ignorable(),
    clientSoftwareVersion: string.since(3).ignorable(),
  },
  response: {
    errorCode,
    apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
    throttleTimeMs: throttleTimeMs.since(1),
    supportedFeatures: array({ name: string, minVersion: int16, maxVersion: int16 }).tag(0).since(3),
    finalizedFeaturesEpoch: long.default(-1).tag(1).since(3),
    finalizedFeatures: array({ name: string, maxVersionLevel: int16, minVersionLevel: int16 }).tag(2).since(3),
    zkMigrationReady: bool.default(false).tag(3).since(3),
  },
});
export type ApiVersionsRequest = RequestOf<typeof ApiVersions>;
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>;
