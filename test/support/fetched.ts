// Downloads (npm, Maven, PyPI, the Go modules): a registry that once failed to respond is retried.
import { setTimeout as pause } from 'node:timers/promises';

const MOST_TRIES = 3;
const PAUSE_MS = 5_000;

/** The last result, good or not. */
export async function fetched<Answer extends { readonly status: number }>(
  bring: () => Promise<Answer>,
): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await bring();
    if (answer.status === 0 || tries === MOST_TRIES) return answer;
    await pause(PAUSE_MS * tries);
  }
}
