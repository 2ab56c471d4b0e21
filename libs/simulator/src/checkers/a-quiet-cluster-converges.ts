// With nothing in the way for a while, every partition has a leader that all brokers name, and all its replicas are in sync.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';

export class AQuietClusterConverges implements Checker {
  readonly name = 'a quiet cluster converges';

  see(observation: Observation): string | undefined {
    return observation.kind === 'not-converged' ? observation.what : undefined;
  }
}
