// The routes of the gateways: which MQTT topics go where, and how they are decoded. A change counts in every gateway within
// a second.
import type { Host } from '@milepost/core';
import { dryRun } from '@milepost/ingress';
import {
  type ListedRoute,
  type PutMode,
  readRoute,
  type RouteCatalog,
  RouteConflict,
  type RouteList,
  RouteRefused,
} from '@milepost/routes';
import {
  BadRequestException,
  Body,
  ConflictException,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  Put,
  UseFilters,
} from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access, HOST } from '../../../chassis/src/index.ts';
import { DatabaseAway } from '../from-database.ts';
import { LISTED_ROUTES, ROUTE, TRIAL, TRIED } from './routes.openapi.ts';
import { readTrial } from './trial.ts';

/** `() => RouteCatalog`; it throws a 503 where the program has no database. */
export const ROUTE_CATALOG = Symbol('RouteCatalog');
export const OPEN_TOPIC = Symbol('OpenTopic');

@ApiTags('routes')
@ApiBearerAuth()
@ApiBadRequestResponse({
  description: 'The route, its setting, what was expected and what was seen; nothing has changed',
})
@UseFilters(DatabaseAway)
@Controller('api/routes')
export class RoutesController {
  constructor(
    @Inject(ROUTE_CATALOG) private readonly catalog: () => RouteCatalog,
    @Inject(OPEN_TOPIC) private readonly openTopic: (topic: string) => Promise<void>,
    @Inject(HOST) private readonly host: Host,
  ) {}

  @Get()
  @ApiOperation({ summary: 'All routes, in the order in which they are compared with a topic' })
  @ApiOkResponse({ schema: LISTED_ROUTES })
  list(): Promise<RouteList> {
    return this.catalog().list();
  }

  @Get(':name')
  @ApiOperation({ summary: 'One route' })
  @ApiOkResponse({ schema: ROUTE })
  async one(@Param('name') name: string): Promise<ListedRoute> {
    return named(await this.catalog().list(), name);
  }

  @Post()
  @Access('operator')
  @ApiOperation({ summary: 'Adds a route. A log topic that is missing is created' })
  @ApiBody({ schema: ROUTE })
  add(@Body() body: unknown): Promise<ListedRoute> {
    return this.#put(body, 'add');
  }

  @Put(':name')
  @Access('operator')
  @ApiOperation({ summary: 'Adds or replaces a route; a built-in one, too' })
  @ApiBody({ schema: ROUTE })
  replace(@Param('name') name: string, @Body() body: unknown): Promise<ListedRoute> {
    return this.#put(typeof body === 'object' && body !== null ? { ...body, name } : body, 'replace');
  }

  @Delete(':name')
  @Access('operator')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a route. If it replaced a built-in one, that returns' })
  async remove(@Param('name') name: string): Promise<void> {
    await this.catalog().remove(name).catch(refused);
  }

  @Post('try')
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({
    summary:
      'What would become of this payload? The records that it would be stored as, or the reason of its dead letter',
  })
  @ApiBody({ schema: TRIAL })
  @ApiOkResponse({ schema: TRIED })
  async try(@Body() body: unknown) {
    const { route, ...publish } = readTrial(body);
    const routes = await this.catalog().compiled(route).catch(refused);
    const { route: name, records } = await dryRun(routes, publish, this.host.clock);
    return { route: name ?? null, records: records.map(({ value, ...record }) => ({ ...record, ...shown(value) })) };
  }

  async #put(body: unknown, mode: PutMode): Promise<ListedRoute> {
    try {
      const { name, topic } = readRoute(body);
      await this.openTopic(topic).catch((failure: Error) => {
        throw new RouteRefused(
          `route ${name}: topic: expected a topic that exists or can be created, saw ${topic} (${failure.message})`,
        );
      });
      return named(await this.catalog().put([body], mode), name);
    } catch (failure) {
      refused(failure);
    }
  }
}

function named({ routes }: RouteList, name: string): ListedRoute {
  const route = routes.find((one) => one.name === name);
  if (!route) throw new NotFoundException(`there is no route ${name}`);
  return route;
}

function shown(value: Buffer): { readonly value: string } | { readonly valueBase64: string } {
  const text = value.toString();
  return Buffer.from(text).equals(value) ? { value: text } : { valueBase64: value.toString('base64') };
}

/** A wish that cannot be fulfilled is the user's mistake. */
function refused(failure: unknown): never {
  if (failure instanceof RouteRefused) throw new BadRequestException(failure.message);
  if (!(failure instanceof RouteConflict)) throw failure;
  throw failure.kind === 'missing' ? new NotFoundException(failure.message) : new ConflictException(failure.message);
}
