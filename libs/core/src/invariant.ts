/** Something that cannot happen did. Enabled in production: a loud stop is cheaper than quiet corruption. */
export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
}

/** Throws unless `holds`. `message` may be a function, so that nothing is formatted on the good path. */
export function invariant(holds: unknown, message: string | (() => string)): asserts holds {
  if (!holds) throw new InvariantBroken(typeof message === 'string' ? message : message());
}

/** The `default` of a switch over a union: the compiler reports a missing case. */
export function unreachable(value: never): never {
  throw new InvariantBroken(`unreachable: ${String(value)}`);
}
