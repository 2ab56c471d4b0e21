// The schema registry with Confluent's REST API, on the program's HTTP port under /api/registry (decision 72). Its rows are in
// the program's PostgreSQL; several programs on one database are one registry.
import { PostgresRegistryStore } from '@milepost/postgres';
import { RegistryScopes, SchemaRegistry } from '@milepost/registry';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { DataSource } from 'typeorm';
import { DATABASE } from '../../chassis/src/index.ts';
import { CompatibilityController } from './compatibility.controller.ts';
import { SchemasController } from './schemas.controller.ts';
import { ConfigController, ModeController } from './scopes.controller.ts';
import { SubjectsController } from './subjects.controller.ts';
import { REGISTRY, SCOPES } from './tokens.ts';

type HttpServer = ReturnType<ReturnType<NestFastifyApplication['getHttpAdapter']>['getInstance']>;

/** Confluent's clients send JSON under a name of its own. */
const CONTENT_TYPE = /^application\/vnd\.schemaregistry(\.v1)?\+json\b/;

@Injectable()
class ContentType implements OnModuleInit {
  constructor(private readonly adapters: HttpAdapterHost) {}

  onModuleInit(): void {
    const server = this.adapters.httpAdapter.getInstance<HttpServer>();
    server.addContentTypeParser(CONTENT_TYPE, { parseAs: 'string' }, server.getDefaultJsonParser('error', 'ignore'));
  }
}

@Module({
  controllers: [SubjectsController, SchemasController, CompatibilityController, ConfigController, ModeController],
  providers: [
    ContentType,
    {
      provide: REGISTRY,
      useFactory: (database: () => DataSource) => () => new SchemaRegistry(new PostgresRegistryStore(database())),
      inject: [DATABASE],
    },
    {
      provide: SCOPES,
      useFactory: (database: () => DataSource) => () => new RegistryScopes(new PostgresRegistryStore(database())),
      inject: [DATABASE],
    },
  ],
  exports: [REGISTRY],
})
export class SchemaRegistryModule {}
