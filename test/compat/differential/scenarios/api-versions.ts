import { ApiVersions } from '@milepost/wire';
import type { Scenario } from '../stage.ts';
import { request } from '../frames.ts';

const CLIENT = { clientSoftwareName: 'a-client', clientSoftwareVersion: '1.0' };

export const apiVersions: readonly Scenario[] = [
  {
    name: 'api-versions/each version',
    async play(on) {
      for (const version of on.versions(ApiVersions))
        await on.see(`v${version}`, ApiVersions, version, version < 3 ? {} : CLIENT);
    },
  },
  {
    name: 'api-versions/names of clients',
    async play(on) {
      for (const [label, name, version] of [
        ['none', '', ''],
        ['no version', 'a', ''],
        ['a space', 'a b', '1'],
        ['a dash at the end', 'a-', '1'],
        ['dots and dashes', 'a.b-c', '1.0-2'],
        ['a letter that is not ASCII', 'é', '1'],
      ] as const)
        await on.see(label, ApiVersions, 3, { clientSoftwareName: name, clientSoftwareVersion: version });
    },
  },
  {
    name: 'api-versions/a version that no one knows',
    async play(on) {
      await on.raw('v5', request(ApiVersions.key, 5, '00'));
      await on.raw('v99', request(ApiVersions.key, 99, 'ffffffff'));
      await on.raw('v32767, no body', request(ApiVersions.key, 32767, ''));
      await on.raw('v-1', request(ApiVersions.key, -1, ''));
    },
  },
];
