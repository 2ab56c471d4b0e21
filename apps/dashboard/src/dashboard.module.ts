// The live map: an ordinary Kafka client that retains the last positions and shows them over HTTP and a WebSocket.
import type { Host, Logger, Meter } from '@milepost/core';
import {
  Inject,
  Injectable,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { HOST, HttpProtection, KAFKA, type Kafka, LOGGER, METER } from '../../chassis/src/index.ts';
import { ALERTS_SOURCE, AlertsController } from './alerts.controller.ts';
import { SessionController } from './accounts/session.controller.ts';
import { LiveMapPart, TRUCK_LOG } from './live-map.part.ts';
import { LiveSocket } from './live-socket.ts';
import { OPERATIONS, OperationsController } from './operations.controller.ts';
import { KafkaOperations } from './operations.ts';
import { type HttpServer, servePages } from './pages.ts';
import { BackTestController } from './rules/back-test.controller.ts';
import { ruleStore } from './rules/rule-store.provider.ts';
import { RulesController } from './rules/rules.controller.ts';
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
    servePages(this.adapters.httpAdapter.getInstance<HttpServer>());
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
  ],
  providers: [
    ruleStore,
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
