// A group of any kind.
import type { ConsumerGroup } from './consumer/state.ts';
import type { ClassicGroup } from './classic/state.ts';
import type { ShareGroup } from './share/state.ts';

export type Group = ClassicGroup | ConsumerGroup | ShareGroup;

export const asClassic = (group: Group | undefined): ClassicGroup | undefined =>
  group?.kind === 'classic' ? group : undefined;

export const asConsumer = (group: Group | undefined): ConsumerGroup | undefined =>
  group?.kind === 'consumer' ? group : undefined;

export const asShare = (group: Group | undefined): ShareGroup | undefined =>
  group?.kind === 'share' ? group : undefined;
