// The valid names of topics, by Kafka's rules: a name becomes a folder and, with dots as underscores, part of a metric.

export const MAX_TOPIC_NAME_LENGTH = 249;

/** Undefined for a name that Kafka accepts, else its problem. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'a topic name must not be empty';
  if (name === '.' || name === '..') return `a topic must not be called "${name}"`;
  if (name.length > MAX_TOPIC_NAME_LENGTH)
    return `a topic name has at most ${MAX_TOPIC_NAME_LENGTH} characters, seen ${name.length}`;
  if (!/^[a-zA-Z0-9._-]+$/.test(name))
    return `a topic name consists of letters, digits, ".", "_" and "-", seen "${name}"`;
  return undefined;
}

/**
 * The existing topic that collides with `name`, because they differ only in `.` and `_`; the name itself does not
 * count.
 */
export function collidingTopic(name: string, existing: Iterable<string>): string | undefined {
  if (!/[._]/.test(name)) return undefined;
  const unified = unify(name);
  for (const other of existing) if (other !== name && unify(other) === unified) return other;
  return undefined;
}

const unify = (name: string): string => name.replaceAll('.', '_');
