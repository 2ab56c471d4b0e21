// Regular expressions of clients: subscriptions (KIP-848), filters of transactional ids (KIP-1152). RE2's time is linear for
// every expression, unlike that of the language's own engine.
import { RE2JS, RE2JSException } from 're2js';

/** A topic's name has at most 249 characters; an expression can list several names. */
const MAX_REGEX_LENGTH = 10_000;

/** A function that tests whole names, or the reason why the expression is invalid. */
export function compileRegex(regex: string): ((name: string) => boolean) | string {
  if (regex.length > MAX_REGEX_LENGTH)
    return `it has ${regex.length} characters, at most ${MAX_REGEX_LENGTH} are allowed`;
  try {
    const compiled = RE2JS.compile(regex);
    return (name) => compiled.matches(name);
  } catch (problem) {
    if (problem instanceof RE2JSException) return problem.message;
    throw problem;
  }
}
