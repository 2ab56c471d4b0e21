// A reader of committed records sees records of a transaction only once its producer has requested the commit, never those of
// one whose abort was acknowledged, and in the end all of its records or none; all if its commit was acknowledged.
import type { Observation } from '../model/observation.ts';
import type { Checker } from './checker.ts';
import { LoopExcuse } from './loop-excuse.ts';

interface Transaction {
  readonly name: string;
  readonly records: readonly string[];
  state: 'begun' | 'committing' | 'committed' | 'aborted';
}

export class TransactionsAreWhole implements Checker {
  readonly name = 'a transaction is read whole or not at all';
  readonly #excuse = new LoopExcuse();
  readonly #transactions = new Map<string, Transaction>();
  readonly #byRecord = new Map<string, Transaction>();

  see(observation: Observation): string | undefined {
    this.#excuse.note(observation);
    switch (observation.kind) {
      case 'transaction-begun': {
        const { transaction: name, records } = observation;
        const transaction: Transaction = { name, records, state: 'begun' };
        this.#transactions.set(name, transaction);
        for (const record of records) this.#byRecord.set(record, transaction);
        return undefined;
      }
      case 'transaction-committing':
        return this.#become(observation.transaction, 'committing');
      case 'transaction-ended':
        return this.#become(observation.transaction, observation.isCommit ? 'committed' : 'aborted');
      case 'committed-read':
        return this.#excuse.isGiven ? undefined : this.#uncommittedIn(observation.records);
      case 'loop-at-rest':
        return this.#excuse.isGiven ? undefined : this.#tornIn(observation.records);
      default:
        return undefined;
    }
  }

  #become(name: string, state: Transaction['state']): undefined {
    const transaction = this.#transactions.get(name);
    if (transaction) transaction.state = state;
  }

  #uncommittedIn(records: readonly string[]): string | undefined {
    for (const record of records) {
      const { name, state } = this.#byRecord.get(record) ?? { name: 'of no transaction', state: 'unknown' };
      if (state !== 'committing' && state !== 'committed') return `"${record}" is read, and ${name} is ${state}`;
    }
    return undefined;
  }

  #tornIn(records: readonly string[]): string | undefined {
    const uncommitted = this.#uncommittedIn(records);
    if (uncommitted !== undefined) return uncommitted;
    const seen = new Set(records);
    for (const { name, records: all, state } of this.#transactions.values()) {
      const missing = all.filter((record) => !seen.has(record));
      if (missing.length > 0 && (missing.length < all.length || state === 'committed'))
        return `${name} is ${state}, and "${missing.join('", "')}" of ${all.length} records cannot be read`;
    }
    return undefined;
  }
}
