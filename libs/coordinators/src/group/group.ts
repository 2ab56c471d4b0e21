// A group of either protocol.
import type { ConsumerGroup } from './consumer/state.ts';
import type { ClassicGroup } from './classic/state.ts';

export type Group = ClassicGroup | ConsumerGroup;

export const asClassic = (group: Group | undefined): ClassicGroup | undefined =>
  group?.kind === 'classic' ? group : undefined;

export const asConsumer = (group: Group | undefined): ConsumerGroup | undefined =>
  group?.kind === 'consumer' ? group : undefined;
