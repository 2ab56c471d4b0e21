// Routes by the API: a part of the dashboard where there is a database.
import type { Settings } from '@milepost/settings';
import { PostgresRouteStore } from '@milepost/postgres';
import { RouteCatalog } from '@milepost/routes';
import { ensureTopic } from '@milepost/streams';
import { Module, type Type } from '@nestjs/common';
import type { DataSource } from 'typeorm';
import { baseRoutes, DATABASE, DatabaseModule, KAFKA, type Kafka, SETTINGS } from '../../../chassis/src/index.ts';
import { OPEN_TOPIC, ROUTE_CATALOG, RoutesController } from './routes.controller.ts';

@Module({
  imports: [DatabaseModule],
  controllers: [RoutesController],
  providers: [
    {
      provide: ROUTE_CATALOG,
      useFactory: (database: () => DataSource, settings: Settings) => {
        const base = baseRoutes(settings);
        return () => new RouteCatalog(base, new PostgresRouteStore(database()));
      },
      inject: [DATABASE, SETTINGS],
    },
    {
      provide: OPEN_TOPIC,
      useFactory: (kafka: Kafka) => (topic: string) => ensureTopic(kafka(), topic),
      inject: [KAFKA],
    },
  ],
})
export class RoutesModule {}

/** For a dashboard of its own: it has a database if one is named. */
export const routes = ({ databaseUrl }: Pick<Settings, 'databaseUrl'>): Type[] =>
  databaseUrl === undefined ? [] : [RoutesModule];
