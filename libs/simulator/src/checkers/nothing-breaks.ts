// Every request ends in a response or a closed connection, a stop ends, a start succeeds once no fault is left, and no
// promise is rejected unhandled. The simulation itself notices where one of them does not hold.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class NothingBreaks implements Checker {
  readonly name = 'nothing hangs and nothing breaks';

  see(observation: Observation): string | undefined {
    return observation.kind === 'broken' ? observation.what : undefined;
  }
}
