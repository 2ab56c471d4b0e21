// The part of a broker that changes the cluster's metadata: topics, configs, quotas, users, ACLs, producer ids, and its own
// registration. Every change goes through one queue to the store. When its response is sent, this broker's disk matches
// it.
import type { Background, Host, Uuid } from '@milepost/core';
import {
  type BrokerConfigLayers,
  type BrokerState,
  type ClusterImage,
  type Decide,
  type MetadataStore,
  type TopicState,
} from '@milepost/metadata';
import { type BrokerConfig, type BrokerSettings, isUncleanElectionAllowed } from '../broker-config.ts';
import { AclAdmin } from '../admin/acl-admin.ts';
import { ClusterAdmin } from '../admin/cluster-admin.ts';
import { CommitQueue } from '../admin/commit-queue.ts';
import { ConfigAdmin } from '../admin/config-admin.ts';
import { LogLevel } from '../admin/log-level.ts';
import { ProducerIds } from '../admin/producer-ids.ts';
import { TokenAdmin } from '../admin/token-admin.ts';
import { TopicAdmin } from '../admin/topic-admin.ts';
import { UserAdmin } from '../admin/user-admin.ts';
import type { DatabaseMemory } from '../admin/database-memory.ts';
import type { Registration } from '../membership/registration.ts';

export interface ControllerDeps {
  readonly host: Host;
  readonly store: MetadataStore;
  readonly registration: Pick<Registration, 'begin'>;
  /** Fenced by the epoch of this broker's registration. */
  readonly commit: (decide: Decide) => Promise<ClusterImage>;
  readonly memory: DatabaseMemory;
  readonly config: BrokerConfig;
  readonly settings: Pick<BrokerSettings, 'delegationTokens'>;
  readonly background: Background;
  /** The newest image that this broker serves. */
  readonly image: () => ClusterImage;
  readonly layersOf: (image: ClusterImage) => BrokerConfigLayers;
  /** Applies an image here: on disk, and for the groups. */
  readonly apply: (image: ClusterImage) => Promise<void>;
  /** The largest producer id in the logs of this broker; -1 for none. */
  readonly largestInLogs: () => bigint;
}

export class Controller {
  readonly topics: TopicAdmin;
  readonly configs: ConfigAdmin;
  readonly cluster: ClusterAdmin;
  readonly producerIds: ProducerIds;
  readonly logLevel: LogLevel;
  readonly users: UserAdmin;
  readonly acls: AclAdmin;
  readonly tokens: TokenAdmin;
  readonly #deps: ControllerDeps;

  constructor(deps: ControllerDeps) {
    const { host, store, commit, memory, config, image, layersOf, apply, largestInLogs, background, settings } = deps;
    const { brokerId } = config;
    const isUncleanAllowed = (topic: TopicState, of: ClusterImage) => isUncleanElectionAllowed(topic, of, config);
    const queue = new CommitQueue({ commit, image, apply });
    this.#deps = deps;
    this.logLevel = new LogLevel(host.logger);
    this.topics = new TopicAdmin({ host, queue, layers: layersOf });
    this.configs = new ConfigAdmin({ brokerId, queue, layers: layersOf, logLevel: this.logLevel });
    this.cluster = new ClusterAdmin({ queue, isUncleanAllowed });
    this.users = new UserAdmin(queue);
    this.acls = new AclAdmin(queue, host.random);
    this.tokens = new TokenAdmin({ host, background, queue, image, settings: settings.delegationTokens });
    this.producerIds = new ProducerIds({ store, memory, largestInLogs, recovered: () => commit(() => []) });
  }

  /** Applies each newer image, also those of other brokers' commits. Returns the function that stops it. */
  follow(): () => void {
    const { store, apply, background } = this.#deps;
    return store.watch((newer) => background.run('applying a metadata change', () => apply(newer)));
  }

  /** Publishes this broker's addresses in the cluster, in this life. `patiently` waits for a store that is away. */
  async register(
    advertised: Pick<BrokerState, 'host' | 'port' | 'listeners'>,
    incarnation: Uuid,
    patiently: (attempt: () => Promise<ClusterImage>) => Promise<ClusterImage>,
  ): Promise<ClusterImage> {
    const { config, registration, apply } = this.#deps;
    const { brokerId: id, rack } = config;
    const broker = { id, incarnation, rack, ...advertised };
    const image = await patiently(() => registration.begin(broker));
    await apply(image);
    return image;
  }
}
