// Every request ends in an answer or a closed connection, a stop ends, a start succeeds once the world is well, and no
// promise breaks that nobody waits for: the simulation tells where one of them does not.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class NothingBreaks implements Checker {
  readonly name = 'nothing hangs and nothing breaks';

  see(observation: Observation): string | undefined {
    return observation.kind === 'broken' ? observation.what : undefined;
  }
}
