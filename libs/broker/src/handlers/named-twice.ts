// Kafka refuses, with INVALID_REQUEST, what a request names more than once.
export function namedTwice<Name>(names: Iterable<Name>): Set<Name> {
  const seen = new Set<Name>();
  const twice = new Set<Name>();
  for (const name of names) (seen.has(name) ? twice : seen).add(name);
  return twice;
}
