import type { Random } from '@milepost/core';

/** 244 random bits in hexadecimal digits: only UUIDs are drawn from the system's secure generator. */
export const unpredictable = (random: Pick<Random, 'uuid'>): string =>
  (random.uuid() + random.uuid()).replaceAll('-', '');
