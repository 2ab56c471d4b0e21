import type { ValueTransformer } from 'typeorm';

/** pg returns a bigint as text; ours stay below 2^53. */
export const exactNumber: ValueTransformer = {
  from: (text: string | null) => (text === null ? null : Number(text)),
  to: (value: number | null) => value,
};
