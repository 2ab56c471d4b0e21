// The client library wraps what happened in several layers ("Listing topics failed."); a user wants the innermost.

/** All messages, from the outside in, each once. */
export function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...new Set([error.message, ...[error.cause, ...inner].filter(Boolean).flatMap(reasonsOf)])];
}

/** The broker's own names for what it refused, such as TOPIC_ALREADY_EXISTS. */
export function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { apiId } = error as { apiId?: string };
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...(apiId === undefined ? [] : [apiId]), ...[error.cause, ...inner].flatMap(codesOf)];
}

/** What to say when a Kafka cannot be worked with: where, why, and the cure. */
export function kafkaFailure(servers: readonly string[], error: unknown): Error {
  const reasons = reasonsOf(error);
  const isAway = reasons.some((reason) =>
    /ECONNREFUSED|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ECONNRESET|timed? ?out/i.test(reason),
  );
  const cure = isAway ? ': is it running, and is MILEPOST_BOOTSTRAP_SERVERS right?' : '';
  return new Error(`Kafka at ${servers.join(', ')}: ${reasons.at(-1)}${cure}`, { cause: error });
}
