// What a recording holds, whatever its format.
import type { Fix } from '../simulation/device.ts';

/** A fix as recorded; without `tsMs` where the file has no time for it. */
export type RecordedFix = Omit<Fix, 'truckId' | 'tsMs'> & { readonly tsMs?: number };

/** What each reader answers: a name where the file gives one. */
export interface NamedFixes {
  readonly name: string | undefined;
  readonly fixes: readonly RecordedFix[];
}
