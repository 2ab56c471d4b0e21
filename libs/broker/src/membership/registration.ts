// This broker's registration in the cluster's metadata, and the fence of its commits (KIP-500's broker epoch): once another
// process has registered the id, this one changes nothing any more, whatever it still believes.
//
// A database that went back does not know the registration, or knows an earlier one. That deposes nobody: who lives is
// decided by the lease (decision 19). While this process holds the lease it registers again, restores what it remembers
// (lost-commits.ts), and the commit is repeated.
import { invariant } from '@milepost/core';
import {
  BrokerFenced,
  type BrokerRegistration,
  type BrokerState,
  type ClusterImage,
  type Decide,
  type Fence,
  historyOf,
  isSameOrigin,
  lostCommits,
  type MetadataChange,
  type MetadataStore,
  type Origin,
} from '@milepost/metadata';
import type { Membership } from './membership.ts';

/** A database that goes back again and again under one commit is not waited for: the client retries. */
const MOST_ATTEMPTS = 3;

export interface RegistrationDeps {
  readonly store: Pick<MetadataStore, 'commit' | 'allocateProducerIds'>;
  readonly membership: Pick<Membership, 'confirm'>;
  /** All that a registration changes: the broker leads from then on. A pure function. */
  readonly changesOf: (image: ClusterImage, broker: BrokerRegistration) => readonly MetadataChange[];
  /** The newest image that this broker has. */
  readonly known: () => ClusterImage;
  /** This broker has used no producer id from this one on. */
  readonly producerIdsEnd: () => bigint;
}

export class Registration {
  readonly #deps: RegistrationDeps;
  /** Undefined before the first registration: until then commits have no fence. */
  #current: BrokerState | undefined;
  #renewing: Promise<void> | undefined;

  constructor(deps: RegistrationDeps) {
    this.#deps = deps;
  }

  /** -1 before the first registration. */
  get epoch(): number {
    return this.#current?.epoch ?? -1;
  }

  /** Registers at the start of a life: the epochs of all earlier lives are over. @throws StoreUnavailable */
  async begin(broker: BrokerRegistration): Promise<ClusterImage> {
    const { store, changesOf } = this.#deps;
    const image = await store.commit((before) => changesOf(before, broker));
    this.#current = image.brokers.get(broker.id);
    invariant(this.#current !== undefined, () => `broker ${broker.id} has registered, and its image lacks it`);
    return image;
  }

  /**
   * A commit of this broker; with `controllerEpoch`, of the controller in that epoch. @throws BrokerFenced: another process
   * is this broker now; otherwise as the store's.
   */
  async commit(decide: Decide, controllerEpoch?: number): Promise<ClusterImage> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#deps.store.commit(decide, this.#fence(controllerEpoch));
      } catch (failure) {
        if (!(failure instanceof BrokerFenced) || attempt === MOST_ATTEMPTS) throw failure;
        await this.renew();
      }
    }
  }

  /**
   * The database went back: registers again, and restores what this broker remembers, before that the producer ids that it
   * has used. Elects nobody: others may remember more. Concurrent calls share one commit. @throws BrokerFenced, StoreUnavailable
   */
  renew(): Promise<void> {
    this.#renewing ??= this.#registerAgain().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #registerAgain(): Promise<void> {
    if (!this.#current) return;
    const { epoch, isFenced: _, history: __, ...broker } = this.#current;
    const { store, membership, producerIdsEnd } = this.#deps;
    if (!(await membership.confirm())) throw new BrokerFenced(`broker ${broker.id} has lost its lease`);
    const isRestored = ({ brokers, origin }: ClusterImage): boolean => {
      const registered = brokers.get(broker.id);
      return registered?.incarnation === broker.incarnation && registered?.history === historyOf(origin);
    };
    let image = await store.commit(() => []);
    while (!isRestored(image)) {
      await store.allocateProducerIds(0, producerIdsEnd());
      image = await this.#restore(image.origin, broker, epoch);
    }
    this.#current = image.brokers.get(broker.id);
  }

  /** Nothing happens where the database went back again: what was done before in that history is forgotten, too. */
  #restore(origin: Origin, broker: BrokerRegistration, epoch: number): Promise<ClusterImage> {
    return this.#deps.store.commit((image) => {
      if (!isSameOrigin(image.origin, origin)) return [];
      const registered = image.brokers.get(broker.id);
      const isOwn = registered?.incarnation === broker.incarnation;
      if (registered && registered.epoch > epoch && !isOwn)
        throw new BrokerFenced(`broker ${broker.id} with epoch ${epoch}: epoch ${registered.epoch} is registered`);
      return [...lostCommits(image, this.#deps.known()), { type: 'broker-registered', broker }];
    });
  }

  #fence(controllerEpoch: number | undefined): Fence | undefined {
    if (!this.#current) return undefined;
    const { id: brokerId, epoch: brokerEpoch } = this.#current;
    return { brokerId, brokerEpoch, ...(controllerEpoch !== undefined && { controllerEpoch }) };
  }
}
