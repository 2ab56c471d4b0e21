// ApiVersions, versions 0 to 4: the APIs of the one list of handlers (handlers/index.ts).
// Produce is advertised from 0 on although 0 to 2 are refused: librdkafka before 2.11.1 stops compressing otherwise.
// Features (KIP-584) are those of features.ts; their epoch is the version of the metadata.
// From v3 on, a client name or version of the wrong form is INVALID_REQUEST (KIP-511).
import { ErrorCode } from '@milepost/core';
import { ApiVersions, Produce } from '@milepost/wire';
import { FEATURES } from '../admin/features.ts';
import { NO_NEEDS } from '../security/needs.ts';
import { handler } from './handler.ts';

const CLIENT_SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
const FIRST_VERSION_WITH_SOFTWARE = 3;

export const apiVersions = handler(ApiVersions, NO_NEEDS, (request, { apiVersion, services, peer }) => {
  const software = [request.clientSoftwareName, request.clientSoftwareVersion];
  const isNamed = apiVersion < FIRST_VERSION_WITH_SOFTWARE || software.every((text) => CLIENT_SOFTWARE.test(text));
  if (!isNamed) return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
  const apiKeys = services.apis.map(({ key, oldest, newest }) => ({
    apiKey: key,
    minVersion: key === Produce.key ? 0 : oldest,
    maxVersion: newest,
  }));
  if (apiVersion >= FIRST_VERSION_WITH_SOFTWARE)
    peer.software = { name: request.clientSoftwareName, version: request.clientSoftwareVersion };
  peer.session.versionsSent();
  return {
    errorCode: ErrorCode.NONE,
    apiKeys,
    supportedFeatures: [...FEATURES].map(([name, level]) => ({ name, minVersion: level, maxVersion: level })),
    finalizedFeaturesEpoch: services.image().version,
    finalizedFeatures: [...FEATURES].map(([name, level]) => ({ name, minVersionLevel: level, maxVersionLevel: level })),
  };
});
