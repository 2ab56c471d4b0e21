// The machine's random numbers. They are not secret, except for UUIDs, which come from the system's generator.
import type { Random } from '@milepost/core';
import { randomUUID } from 'node:crypto';

export const nodeRandom: Random = {
  below: (limit) => Math.floor(Math.random() * limit),
  chance: (probability) => Math.random() < probability,
  uuid: () => randomUUID(),
};
