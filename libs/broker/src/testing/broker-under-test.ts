// A broker for tests: a real one on a given host, with its metadata and groups in memory that outlives it, so that it
// can be stopped and restarted on the same folder.
import { BrokerId, type Host } from '@milepost/core';
import {
  GroupTable,
  MemoryGroupStore,
  MemoryShareStateStore,
  MemoryTransactionStore,
  TransactionTable,
} from '@milepost/coordinators';
import { MemoryBrokerLeases, MemoryMetadataDatabase, MemoryMetadataStore } from '@milepost/metadata';
import type { BrokerConfig } from '../broker-config.ts';
import { type Broker, type BrokerStores, createBroker } from '../create-broker.ts';
import { RawClient } from './raw-client.ts';

export interface StartOptions {
  /** The test's own stores, in place of those in memory. */
  readonly stores?: Partial<BrokerStores>;
  readonly aborted?: AbortSignal;
}

export class BrokerUnderTest {
  readonly host: Host;
  readonly dataDir: string;
  readonly metadata: MemoryMetadataDatabase;
  readonly groups = new GroupTable();
  readonly transactions = new TransactionTable();
  readonly #properties: Record<string, string>;
  readonly #clients: RawClient[] = [];
  #broker: Broker | undefined;

  constructor(
    host: Host,
    dataDir: string,
    properties: Record<string, string> = {},
    metadata = new MemoryMetadataDatabase(),
  ) {
    this.metadata = metadata;
    this.host = host;
    this.dataDir = dataDir;
    this.#properties = { 'group.initial.rebalance.delay.ms': '0', ...properties };
  }

  get broker(): Broker {
    if (!this.#broker) throw new Error('the broker is not running');
    return this.#broker;
  }
  get bootstrap(): string {
    return `127.0.0.1:${this.broker.address.port}`;
  }

  async start(more: Partial<BrokerConfig> = {}, { stores, aborted }: StartOptions = {}): Promise<void> {
    const inMemory = {
      metadata: new MemoryMetadataStore(this.metadata),
      groups: new MemoryGroupStore(this.groups),
      shares: new MemoryShareStateStore(this.groups),
      transactions: new MemoryTransactionStore(this.transactions),
      leases: new MemoryBrokerLeases(this.metadata, this.host.clock),
    };
    const config: BrokerConfig = {
      brokerId: BrokerId(1),
      dataDir: this.dataDir,
      listen: { host: '127.0.0.1', port: 0 },
      advertised: { host: '127.0.0.1', port: 0 },
      rack: null,
      flush: 'always',
      properties: this.#properties,
      ...more,
    };
    this.#broker = await createBroker(this.host, { ...inMemory, ...stores }, config, aborted);
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.close();
    await this.#broker?.close();
    this.#broker = undefined;
  }

  async client(): Promise<RawClient> {
    const client = await RawClient.connect(this.host.network, this.broker.address);
    this.#clients.push(client);
    return client;
  }
}
