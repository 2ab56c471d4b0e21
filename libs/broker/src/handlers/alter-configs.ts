// AlterConfigs, versions 0 to 2, replaces all configs of a resource: a config that is not named returns to its default.
// A resource that is named twice gets INVALID_REQUEST each time.
import { AlterConfigs, ConfigOperation } from '@milepost/wire';
import { ALTER_RESOURCES, alterResources } from './alter-resources.ts';
import { handler } from './handler.ts';

export const alterConfigs = handler(AlterConfigs, ALTER_RESOURCES, async ({ resources, validateOnly }, context) => ({
  responses: await alterResources(
    resources.map((resource) => ({
      ...resource,
      mode: 'replace',
      configs: resource.configs.map((config) => ({ ...config, configOperation: ConfigOperation.SET })),
    })),
    validateOnly,
    context,
  ),
}));
