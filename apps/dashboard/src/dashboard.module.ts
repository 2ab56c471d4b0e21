// The live map: an ordinary Kafka client that retains the last positions and shows them over HTTP and a WebSocket.
import type { Host, Logger, Meter } from '@milepost/core';
import { PostgresDeviceStore, PostgresRouteStore, PostgresRuleStore } from '@milepost/postgres';
import { RouteCatalog } from '@milepost/routes';
import type { Settings } from '@milepost/settings';
import { DEAD_LETTERS as DEAD_LETTERS_TOPIC, ensureTopic, OffsetReader, Producer } from '@milepost/streams';
import {
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import {
  baseRoutes,
  HOST,
  HttpProtection,
  KAFKA,
  type Kafka,
  LOGGER,
  METER,
  SETTINGS,
} from '../../chassis/src/index.ts';
import { ALERTS_SOURCE, AlertsController } from './alerts.controller.ts';
import { SessionController } from './accounts/session.controller.ts';
import {
  DEAD_LETTERS,
  DeadLettersController,
  SEND_RECORDS,
  type SendRecords,
} from './dead-letters/dead-letters.controller.ts';
import { acceptCsv } from './devices/accept-csv.ts';
import { DEVICE_STORE, DevicesController } from './devices/devices.controller.ts';
import { fromDatabase } from './from-database.ts';
import { LiveMapPart, TRUCK_LOG } from './live-map.part.ts';
import { LiveSocket } from './live-socket.ts';
import { OPERATIONS, OperationsController } from './operations.controller.ts';
import { KafkaOperations } from './operations.ts';
import { type HttpServer, servePages } from './pages.ts';
import { OPEN_TOPIC, ROUTE_CATALOG, RoutesController } from './routes/routes.controller.ts';
import { BackTestController } from './rules/back-test.controller.ts';
import { RULE_STORE, RulesController } from './rules/rules.controller.ts';
import { TrucksController } from './trucks.controller.ts';
import { kafkaLog } from './truck-log.ts';

@Injectable()
class LivePages implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  readonly #socket: LiveSocket;

  constructor(
    map: LiveMapPart,
    private readonly adapters: HttpAdapterHost,
    protection: HttpProtection,
    @Inject(HOST) host: Host,
    @Inject(METER) meter: Meter,
  ) {
    this.#socket = new LiveSocket(map.trucks, map.alerts, () => host.clock.now(), {
      admit: (request) => protection.admit(request, 'viewer'),
      gone: (callers) => protection.gone(callers),
    });
    const viewers = meter.gauge('milepost_dashboard_viewers', 'Open pages that follow the map.');
    const trucks = meter.gauge('milepost_dashboard_trucks', 'Trucks whose last position is known.');
    meter.onScrape(() => {
      viewers.set(this.#socket.viewers);
      trucks.set(map.trucks.size);
    });
  }

  onModuleInit(): void {
    const server = this.adapters.httpAdapter.getInstance<HttpServer>();
    acceptCsv(server);
    servePages(server);
  }

  onApplicationBootstrap(): void {
    this.#socket.attach(this.adapters.httpAdapter.getHttpServer());
  }

  onModuleDestroy(): void {
    this.#socket.close();
  }
}

@Module({
  controllers: [
    TrucksController,
    AlertsController,
    OperationsController,
    SessionController,
    RulesController,
    BackTestController,
    RoutesController,
    DevicesController,
    DeadLettersController,
  ],
  providers: [
    fromDatabase(RULE_STORE, 'the rules', (database) => new PostgresRuleStore(database)),
    fromDatabase(DEVICE_STORE, 'the devices', (database) => new PostgresDeviceStore(database)),
    fromDatabase(
      ROUTE_CATALOG,
      'the routes',
      (database, settings: Settings) => new RouteCatalog(baseRoutes(settings), new PostgresRouteStore(database)),
      [SETTINGS],
    ),
    {
      provide: DEAD_LETTERS,
      useFactory: (kafka: Kafka) => () =>
        new OffsetReader({ ...kafka(), clientId: 'milepost-dead-letters', topic: DEAD_LETTERS_TOPIC }),
      inject: [KAFKA],
    },
    { provide: SEND_RECORDS, useFactory: sendRecords, inject: [KAFKA, LOGGER] },
    {
      provide: OPEN_TOPIC,
      useFactory: (kafka: Kafka) => (topic: string) => ensureTopic(kafka(), topic),
      inject: [KAFKA],
    },
    LiveMapPart,
    LivePages,
    {
      provide: TRUCK_LOG,
      useFactory: (kafka: Kafka, logger: Logger) => kafkaLog(kafka, logger),
      inject: [KAFKA, LOGGER],
    },
    { provide: ALERTS_SOURCE, useFactory: ({ alerts }: LiveMapPart) => alerts, inject: [LiveMapPart] },
    {
      provide: OPERATIONS,
      useFactory: (kafka: Kafka) => new KafkaOperations(kafka),
      inject: [KAFKA],
    },
  ],
})
export class DashboardModule {}

/** Rare: a producer for each send. It gives up instead of waiting for a partition that takes no records. */
function sendRecords(kafka: Kafka, logger: Logger): SendRecords {
  return async (records) => {
    const producer = new Producer({ ...kafka(), clientId: 'milepost-dead-letters', logger, repeats: 5 });
    try {
      await producer.send(records);
    } finally {
      await producer.close();
    }
  };
}
