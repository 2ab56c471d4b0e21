// Subscriptions by regular expression are RE2's (KIP-848): linear in time whatever a client sends, which the engine
// of the language is not.
import { RE2JS, RE2JSException } from 're2js';

/** Longer than any list of the 249 characters that a topic's name has. */
const MAX_REGEX_LENGTH = 10_000;

/** Tests whole names; a string says why there is no such expression. */
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
