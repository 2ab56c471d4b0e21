// Schemas by their ids (Confluent's /schemas), and what a client asks a registry about itself.
import type { SchemaRegistry } from '@milepost/registry';
import { SCHEMA_TYPES } from '@milepost/serdes';
import { Controller, Get, Inject, Param, Query, UseFilters } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Refusals } from './refusals.ts';
import { idIn, isTrue, page } from './request.ts';
import { type SchemaBody, schemaBody, type VersionBody, versionBody } from './response.ts';
import { BASE, REGISTRY } from './tokens.ts';

@ApiTags('schema registry')
@UseFilters(Refusals)
@Controller(BASE)
export class SchemasController {
  constructor(@Inject(REGISTRY) private readonly registry: () => SchemaRegistry) {}

  @Get()
  @ApiOperation({ summary: 'An empty object: the registry is here' })
  root(): object {
    return {};
  }

  @Get('contexts')
  @ApiOperation({ summary: 'The default context: there are no others' })
  contexts(): readonly string[] {
    return ['.'];
  }

  @Get('schemas')
  @ApiOperation({ summary: 'All schemas with their subjects and versions' })
  async all(
    @Query('subjectPrefix') prefix?: string,
    @Query('deleted') deleted?: string,
    @Query('latestOnly') latestOnly?: string,
    @Query('offset') offset?: string,
    @Query('limit') limit?: string,
  ): Promise<readonly VersionBody[]> {
    const all = await this.registry().all({
      deleted: isTrue(deleted),
      latestOnly: isTrue(latestOnly),
      ...(prefix !== undefined && { prefix }),
    });
    return page(all, offset, limit).map((one) => versionBody(one));
  }

  @Get('schemas/types')
  @ApiOperation({ summary: 'The kinds of schemas' })
  types(): readonly string[] {
    return SCHEMA_TYPES;
  }

  @Get('schemas/ids/:id')
  @ApiOperation({ summary: 'The schema with an id' })
  async schema(
    @Param('id') id: string,
    @Query('format') format?: string,
    @Query('fetchMaxId') fetchMaxId?: string,
  ): Promise<SchemaBody & { readonly maxId?: number }> {
    const body = schemaBody(await this.registry().byId(idIn(id)), format);
    return isTrue(fetchMaxId) ? { ...body, maxId: await this.registry().maxId() } : body;
  }

  @Get('schemas/ids/:id/schema')
  @ApiOperation({ summary: 'Only the text of the schema with an id' })
  async text(@Param('id') id: string): Promise<string> {
    return (await this.registry().byId(idIn(id))).text;
  }

  @Get('schemas/ids/:id/subjects')
  @ApiOperation({ summary: 'The subjects that have a schema' })
  async subjects(@Param('id') id: string, @Query('deleted') deleted?: string): Promise<readonly string[]> {
    const uses = await this.registry().usesOf(idIn(id), isTrue(deleted));
    return [...new Set(uses.map(({ subject }) => subject))];
  }

  @Get('schemas/ids/:id/versions')
  @ApiOperation({ summary: 'The subjects and versions that have a schema' })
  async versions(
    @Param('id') id: string,
    @Query('deleted') deleted?: string,
  ): Promise<readonly { readonly subject: string; readonly version: number }[]> {
    const uses = await this.registry().usesOf(idIn(id), isTrue(deleted));
    return uses.map(({ subject, version }) => ({ subject, version }));
  }
}
