// What a database has forgotten by a fail-over, and the brokers that remember it: those that served with its last commit. Until
// one of them has registered again, and has restored what it remembers in that commit, all of it depends on their lives.
// Once they are all dead, or fenced, nobody remembers: a stale replica may lead, and nothing promises that the records of
// such partitions survive (docs/decisions/0046-brokers-restore-what-their-database-has-lost.md).
import type { BrokerId } from '@milepost/core';
import { type ClusterImage, historyOf, isLater } from '@milepost/metadata';
import type { SimNode } from './sim-node.ts';

type Broker = Pick<SimNode, 'brokerId' | 'isAlive' | 'lives'>;

interface Witness {
  readonly node: Broker;
  /** It has forgotten everything when another life has begun. */
  readonly lives: number;
}

export interface ForgottenPartition {
  readonly topic: string;
  readonly index: number;
}

export class ForgottenCommits {
  /** Those with a later leader, ISR or replicas than the database has now. */
  readonly partitions: readonly ForgottenPartition[];
  readonly #witnesses: readonly Witness[];

  /** Of the database as it was, and as it is from now on. */
  constructor(before: ClusterImage, after: ClusterImage, witnesses: readonly Broker[]) {
    this.#witnesses = witnesses.map((node) => ({ node, lives: node.lives }));
    this.partitions = [...after.topics.values()].flatMap(({ id, name, partitions }) =>
      partitions.flatMap((stored) => {
        const known = before.topicsById.get(id)?.partitions[stored.index];
        return known && isLater(known, stored) ? { topic: name, index: stored.index } : [];
      }),
    );
  }

  /** Call with each later image, and after each death of a broker. */
  state(image: ClusterImage): 'remembered' | 'restored' | 'lost' {
    const living = this.#witnesses.filter(({ node, lives }) => node.isAlive && node.lives === lives);
    const ids = living.map(({ node }) => node.brokerId);
    if (ids.some((id) => hasRegistered(image, id))) return 'restored';
    return ids.some((id) => image.brokers.get(id)?.isFenced !== true) ? 'remembered' : 'lost';
  }
}

const hasRegistered = ({ brokers, origin }: ClusterImage, id: BrokerId): boolean =>
  brokers.get(id)?.history === historyOf(origin);
