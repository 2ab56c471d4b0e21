// Every scenario, by area.
import type { Scenario } from '../stage.ts';
import { admin } from './admin.ts';
import { apiVersions } from './api-versions.ts';
import { authorizer } from './authorizer.ts';
import { configs } from './configs.ts';
import { consumerGroups } from './consumer-groups.ts';
import { fetchSessions } from './fetch-sessions.ts';
import { fetches } from './fetch.ts';
import { groups } from './groups.ts';
import { idempotence } from './idempotence.ts';
import { listOffsets } from './list-offsets.ts';
import { malformed } from './malformed.ts';
import { metadata } from './metadata.ts';
import { offsets } from './offsets.ts';
import { produces } from './produce.ts';
import { topics } from './topics.ts';

export const scenarios: readonly Scenario[] = [
  ...apiVersions,
  ...malformed,
  ...metadata,
  ...produces,
  ...idempotence,
  ...fetches,
  ...listOffsets,
  ...topics,
  ...configs,
  ...groups,
  ...offsets,
  ...consumerGroups,
  ...admin,
  ...fetchSessions,
  ...authorizer,
];
