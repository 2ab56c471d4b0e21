// Every request ends in a response or a closed connection, a stop ends, a start succeeds once no fault remains, and no
// promise is rejected unhandled. The simulation itself reports a violation.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class NothingBreaks implements Checker {
  readonly name = 'nothing hangs and nothing breaks';

  see(observation: Observation): string | undefined {
    return observation.kind === 'broken' ? observation.what : undefined;
  }
}
