// The gateway as a part of a program: MQTT in (libs/ingress over aedes), the log out (an ordinary, idempotent Kafka
// producer). It starts last and stops first: acknowledged publishes are in the log before any other part stops.
import type { Host, Logger } from '@milepost/core';
import {
  AedesEngine,
  DEAD_LETTERS_TOPIC,
  type Door,
  Intake,
  LISTENERS,
  MemorySessionStore,
  type MqttAddresses,
  Sessions,
  STATUS_TOPIC,
} from '@milepost/ingress';
import { PostgresSessionStore } from '@milepost/postgres';
import type { Route } from '@milepost/routes';
import type { Settings } from '@milepost/settings';
import { ensureTopic, ensureTopics, Producer } from '@milepost/streams';
import { isTracing } from '@milepost/telemetry';
import { Inject, Injectable, Module, Optional } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import {
  baseRoutes,
  DATABASE,
  HOST,
  KAFKA,
  type Kafka,
  Lifecycle,
  LOGGER,
  originPolicy,
  type Part,
  positionWriter,
  type Schemas,
  SCHEMAS,
  SETTINGS,
} from '../../chassis/src/index.ts';
import { LogSink } from './log-sink.ts';
import { Devices } from './devices.ts';
import { MqttTls } from './mqtt-tls.ts';
import { Routing } from './routing.ts';
import { TracedSink } from './traced-sink.ts';

/** How long a stop waits for the log to accept pending records. The rest was not acknowledged: devices resend it. */
const DRAIN_MS = 10_000;
/** A publish that has waited this long for the log means that the gateway is not ready. */
const NOT_READY_AFTER_MS = 5000;

@Injectable()
export class GatewayPart implements Part {
  readonly name = 'gateway';
  readonly phase = 'intake';
  #producer: Producer | undefined;
  #intake: Intake | undefined;
  #engine: AedesEngine | undefined;
  #tls: MqttTls | undefined;
  #devices: Devices | undefined;
  #routing: Routing | undefined;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(KAFKA) private readonly kafka: Kafka,
    @Inject(SCHEMAS) private readonly schemas: Schemas,
    private readonly lifecycle: Lifecycle,
    @Optional() @Inject(DATABASE) private readonly database?: () => DataSource,
  ) {
    lifecycle.register(this);
  }

  async start(): Promise<void> {
    const { host, lifecycle, logger, settings } = this;
    const base = baseRoutes(settings);
    await ensureTopics(this.kafka());
    this.#producer = new Producer({ ...this.kafka(), clientId: 'milepost-gateway', logger });
    const log = await LogSink.open(this.#producer, [STATUS_TOPIC, DEAD_LETTERS_TOPIC]);
    const openTopic = (topic: string) => this.#openTopic(log, topic);
    this.#routing = new Routing({ base, database: this.database?.(), logger, openTopic });
    const routes = await this.#routing.load();
    const traced = isTracing() ? new TracedSink(log, routes) : undefined;
    const sink = traced ?? log;
    const sessions = this.#sessionsOf();
    const encode = await positionWriter(this.settings, this.schemas); // before the first position: every reader finds its schema
    const parts = { sink, routes, ledger: sessions, encode };
    this.#intake = new Intake({ clock: host.clock, logger, meter: host.meter, ...parts });
    const door = this.#openDoor(routes);
    const tls = (this.#tls = MqttTls.of(settings, host, logger));
    this.#engine = new AedesEngine({
      telemetry: routes.map(({ filter }) => filter),
      logger,
      maxPacketBytes: settings.mqttMaxPacketBytes,
      origins: originPolicy(settings),
      ...(door && { door }),
      sessions,
      ...(tls && { secureServer: (accept) => tls.server(accept) }),
    });
    const ports = await this.#engine.listen(addressesOf(settings), this.#intake);
    for (const listener of LISTENERS) {
      const port = ports[listener];
      if (port !== undefined) lifecycle.opened(listener, port);
    }
    this.#routing.follow((others) => {
      traced?.reroute(others);
      this.#devices?.door.reroute(others);
      this.#engine?.reroute(others.map(({ filter }) => filter));
      this.#intake?.reroute(others);
    });
  }

  /**
   * Stores the received records, then disconnects the devices; their disconnects (presence, last wills) are stored too.
   */
  async stop(): Promise<void> {
    await this.#routing?.stop();
    await this.#drained();
    await this.#engine?.close();
    await this.#drained();
    await this.#producer?.close();
    this.#tls?.close();
    await this.#devices?.stop();
  }

  notReady(): string | undefined {
    const longest = this.#intake?.longestWait();
    if (!longest || longest.waitMs <= NOT_READY_AFTER_MS) return undefined;
    const { topic, partition, waitMs } = longest;
    return `${topic}-${partition} has taken nothing for ${Math.round(waitMs / 1000)} s`;
  }

  async #openTopic(log: LogSink, topic: string): Promise<void> {
    if (log.has(topic)) return;
    await ensureTopic(this.kafka(), topic);
    await log.add(topic);
  }

  /** Undefined: nobody authenticates. */
  #openDoor(routes: readonly Route[]): Door | undefined {
    const { database, host, logger, settings } = this;
    if (settings.mqttAuthentication === 'none') return undefined;
    if (!database) throw new Error('devices authenticate, and the program has no database');
    this.#devices = new Devices({ database: database(), host, logger, settings, routes });
    this.#devices.start();
    return this.#devices.door;
  }

  #sessionsOf(): Sessions {
    const { database, host, logger, settings } = this;
    if (!database) logger.warn({}, 'without DATABASE_URL, MQTT sessions and retained messages end with the process');
    return new Sessions({
      clock: host.clock,
      logger,
      meter: host.meter,
      store: database ? new PostgresSessionStore(database()) : new MemorySessionStore(),
      limits: {
        sessions: settings.mqttMaxSessions,
        messagesOfSession: settings.mqttMaxQueuedMessages,
        queuedBytes: settings.mqttMaxQueuedBytes,
        retainedMessages: settings.mqttMaxRetainedMessages,
        sessionExpiryMs: settings.mqttSessionExpirySeconds * 1000,
        messageExpiryMs: settings.mqttMessageExpirySeconds * 1000,
      },
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.host.clock.after(DRAIN_MS, resolve);
      void (this.#intake?.drain() ?? Promise.resolve()).then(() => {
        cancel();
        resolve();
      });
    });
  }
}

function addressesOf({ listen, mqttListen, mqttPort, mqttWsPort, mqttsPort, mqttWssPort }: Settings): MqttAddresses {
  const ports = { mqtt: mqttPort, mqttWs: mqttWsPort, mqtts: mqttsPort, mqttWss: mqttWssPort };
  return { host: mqttListen ?? listen, ports };
}

@Module({ providers: [GatewayPart] })
export class GatewayModule {}
