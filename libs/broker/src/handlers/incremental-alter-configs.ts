// IncrementalAlterConfigs, versions 0 to 1: sets, unsets, appends to and subtracts from the named configs; others are
// unchanged.
import { IncrementalAlterConfigs } from '@milepost/wire';
import { ALTER_RESOURCES, alterResources } from './alter-resources.ts';
import { handler } from './handler.ts';

export const incrementalAlterConfigs = handler(
  IncrementalAlterConfigs,
  ALTER_RESOURCES,
  async ({ resources, validateOnly }, context) => ({
    responses: await alterResources(
      resources.map((resource) => ({ ...resource, mode: 'incremental' })),
      validateOnly,
      context,
    ),
  }),
);
