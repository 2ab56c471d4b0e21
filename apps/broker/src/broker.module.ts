// The broker as a part of a program: the log and the protocol of libs/broker on the real host, its metadata in PostgreSQL.
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { type Broker, createBroker } from '@milepost/broker';
import { BrokerId, type Host, type Logger, silentLogger } from '@milepost/core';
import { nodeReadText } from '@milepost/node-host';
import {
  PostgresBrokerLeases,
  PostgresGroupStore,
  PostgresShareStateStore,
  PostgresMetadataStore,
  PostgresTransactionStore,
} from '@milepost/postgres';
import type { Settings } from '@milepost/settings';
import type { KafkaAddress, KafkaSasl } from '@milepost/streams';
import { Inject, Injectable, Module } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  DATABASE,
  HOST,
  hasServerCertificate,
  interBrokerAddress,
  Lifecycle,
  LOGGER,
  type Part,
  passwordOfSetting,
  SETTINGS,
  serverCertificate,
} from '../../chassis/src/index.ts';
import { brokerProperties } from './broker-properties.ts';
import { failedDisks, fullDisk } from './troubled-disks.ts';

const SAY_EVERY_MS = 2_000;

@Injectable()
export class BrokerPart implements Part {
  readonly name = 'broker';
  readonly phase = 'broker';
  #broker: Broker | undefined;
  #metadata: PostgresMetadataStore | undefined;
  #leases: PostgresBrokerLeases | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(DATABASE) private readonly database: () => DataSource,
    private readonly lifecycle: Lifecycle,
  ) {
    lifecycle.register(this);
  }

  async start(aborted: AbortSignal): Promise<void> {
    const { settings, logger } = this;
    this.#metadata = new PostgresMetadataStore(this.database(), { logger });
    this.#leases = new PostgresBrokerLeases(this.database());
    const groups = new PostgresGroupStore(this.database(), { logger });
    const transactions = new PostgresTransactionStore(this.database(), { logger });
    const shares = new PostgresShareStateStore(this.database());
    const stores = { metadata: this.#metadata, groups, shares, transactions, leases: this.#leases };
    const config = {
      brokerId: BrokerId(settings.brokerId),
      machine: hostname(),
      dataDir: join(resolve(settings.dataDir), 'log'),
      listen: { host: settings.listen, port: settings.kafkaPort },
      advertised: settings.advertised ?? { host: reachable(settings.listen), port: 0 },
      ...(settings.acceptLostLog === undefined ? {} : { acceptLostLog: settings.acceptLostLog }),
      rack: settings.rack ?? null,
      flush: settings.flush,
      admin: this.#admin(),
      properties: brokerProperties(logger, passwordOfSetting),
      allowAnonymous: settings.allowAnonymous,
      certificate: hasServerCertificate(settings) ? serverCertificate(settings) : undefined,
      readFile: (path: string) => readFileSync(path),
      readText: nodeReadText,
      onProgress: sayNowAndThen(logger),
    };
    this.#broker = await createBroker(this.host, stores, config, aborted);
    this.lifecycle.opened('kafka', this.#broker.address.port);
  }

  async stop(): Promise<void> {
    await this.#broker?.close();
    await this.#leases?.close();
    await this.#metadata?.close(); // or it would keep looking for a database that is being stopped
  }

  notReady(): string | undefined {
    const fencedBy = this.#broker?.fencedBy();
    if (fencedBy !== undefined) return `${fencedBy}: this process acknowledges nothing more; stop it`;
    return failedDisks(this.#broker?.failedPartitions() ?? []) ?? fullDisk(this.#broker?.partitionsOutOfRoom() ?? []);
  }

  /** For the apps in the same process: they log in as the administrator. */
  kafkaAddress(): KafkaAddress {
    if (!this.#broker) throw new Error('the broker is used before its phase');
    const betweenBrokers = interBrokerAddress(brokerProperties(silentLogger, passwordOfSetting), this.#admin());
    if (betweenBrokers) return betweenBrokers;
    const { listen } = this.settings;
    const { address, mechanisms, protocol } = this.#broker;
    if (protocol.endsWith('SSL'))
      throw new Error(
        `listeners: expected a first listener without TLS, for gateway, dashboard and notifications on this machine, seen ${protocol}: ` +
          'name PLAINTEXT or SASL_PLAINTEXT before it, and MILEPOST_LISTEN=127.0.0.1 keeps it here, or name another in ' +
          'inter.broker.listener.name',
      );
    const bootstrapServers = [`${isEverywhere(listen) ? '127.0.0.1' : listen}:${address.port}`];
    return protocol.startsWith('SASL') ? { bootstrapServers, sasl: this.#login(mechanisms) } : { bootstrapServers };
  }

  #login(mechanisms: readonly KafkaSasl['mechanism'][]): KafkaSasl {
    const admin = this.#admin();
    const mechanism = mechanisms.at(-1);
    if (!mechanism)
      throw new Error(
        'sasl.enabled.mechanisms: expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512 among them, as gateway, dashboard and notifications ' +
          'on this machine log in by a password; seen none',
      );
    if (admin) return { mechanism, ...admin };
    throw new Error(
      'MILEPOST_ADMIN_PASSWORD_FILE: expected a file with a password, as clients of the broker authenticate (listeners) and ' +
        'gateway, dashboard and notifications are such clients; got none',
    );
  }

  #admin(): { username: string; password: string } | undefined {
    const { adminUsername: username, adminPassword, adminPasswordFile } = this.settings;
    const password = adminPassword ?? passwordOfSetting('MILEPOST_ADMIN_PASSWORD_FILE', adminPasswordFile);
    return password === undefined ? undefined : { username, password };
  }
}

/** A long recovery logs its progress. */
function sayNowAndThen(logger: Logger): (progress: object) => void {
  let saidAt = performance.now();
  return (progress) => {
    if (performance.now() - saidAt < SAY_EVERY_MS) return;
    saidAt = performance.now();
    logger.info(progress, 'recovering the log');
  };
}

const isEverywhere = (listen: string): boolean => listen === '0.0.0.0' || listen === '::';

/** A name that other machines can use for an address that means "all interfaces". */
const reachable = (listen: string): string => (isEverywhere(listen) ? hostname() : listen);

@Module({ providers: [BrokerPart], exports: [BrokerPart] })
export class BrokerModule {}
