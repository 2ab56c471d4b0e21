// A bug that a test plants in order to see it found.
import type { Plants, Scenario } from '@milepost/simulator';

export interface PlantedBug {
  readonly name: string;
  /** The sentences that it breaks: another one would be a real bug. */
  readonly breaks: readonly string[];
  /** The scenario of its lives, if few seeds would choose it: the test does not wait for the others. */
  readonly scenario?: Partial<Scenario>;
  /** The number of nodes of its lives; 1 by default. */
  readonly nodes?: number;
  /** The wrappers between the broker and its world. */
  readonly plants?: Plants;
  /** Puts the bug into the code; the returned function removes it. */
  readonly plant?: () => () => void;
}

export const methodOf = <Target, Name extends keyof Target>(target: Target, name: Name): Target[Name] => target[name];

/** Replaces a property of a prototype. The returned function restores it. */
export function replaced(prototype: object, name: string, by: PropertyDescriptor): () => void {
  const original = Object.getOwnPropertyDescriptor(prototype, name);
  if (!original) throw new Error(`there is no ${name} to put a bug into`);
  Object.defineProperty(prototype, name, { ...by, configurable: true });
  return () => Object.defineProperty(prototype, name, original);
}
