// Subjects and their versions (Confluent's /subjects).
import type { SchemaRegistry } from '@milepost/registry';
import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, UseFilters } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access } from '../../chassis/src/index.ts';
import { Refusals } from './refusals.ts';
import { candidateIn, isTrue, page, versionIn } from './request.ts';
import { type VersionBody, versionBody } from './response.ts';
import { BASE, REGISTRY } from './tokens.ts';

@ApiTags('schema registry')
@UseFilters(Refusals)
@Controller(`${BASE}/subjects`)
export class SubjectsController {
  constructor(@Inject(REGISTRY) private readonly registry: () => SchemaRegistry) {}

  @Get()
  @ApiOperation({ summary: 'The names of the subjects' })
  async subjects(
    @Query('deleted') deleted?: string,
    @Query('subjectPrefix') prefix?: string,
    @Query('offset') offset?: string,
    @Query('limit') limit?: string,
  ): Promise<readonly string[]> {
    const all = await this.registry().subjects({ deleted: isTrue(deleted), ...(prefix !== undefined && { prefix }) });
    return page(all, offset, limit);
  }

  /** A POST, as it has a body; it changes nothing. */
  @Post(':subject')
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({ summary: 'The version of the subject that equals a schema' })
  async lookUp(
    @Param('subject') subject: string,
    @Body() body: unknown,
    @Query('deleted') deleted?: string,
    @Query('format') format?: string,
  ): Promise<VersionBody> {
    return versionBody(await this.registry().lookUp(subject, candidateIn(body), isTrue(deleted)), format);
  }

  @Delete(':subject')
  @ApiOperation({ summary: 'Delete a subject; permanent=true after it was deleted' })
  remove(@Param('subject') subject: string, @Query('permanent') permanent?: string): Promise<readonly number[]> {
    return this.registry().deleteSubject(subject, isTrue(permanent));
  }

  @Get(':subject/versions')
  @ApiOperation({ summary: 'The numbers of the versions' })
  async versions(
    @Param('subject') subject: string,
    @Query('deleted') deleted?: string,
    @Query('offset') offset?: string,
    @Query('limit') limit?: string,
  ): Promise<readonly number[]> {
    return page(await this.registry().versions(subject, isTrue(deleted)), offset, limit);
  }

  @Post(':subject/versions')
  @Access('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Register a schema' })
  async register(@Param('subject') subject: string, @Body() body: unknown): Promise<{ readonly id: number }> {
    const { id } = await this.registry().register(subject, candidateIn(body));
    return { id };
  }

  @Get(':subject/versions/:version')
  @ApiOperation({ summary: 'A version, or the latest' })
  async version(
    @Param('subject') subject: string,
    @Param('version') version: string,
    @Query('deleted') deleted?: string,
    @Query('format') format?: string,
  ): Promise<VersionBody> {
    return versionBody(await this.registry().version(subject, versionIn(version), isTrue(deleted)), format);
  }

  @Get(':subject/versions/:version/schema')
  @ApiOperation({ summary: 'Only the text of the schema' })
  async text(
    @Param('subject') subject: string,
    @Param('version') version: string,
    @Query('deleted') deleted?: string,
  ): Promise<string> {
    return (await this.registry().version(subject, versionIn(version), isTrue(deleted))).text;
  }

  @Get(':subject/versions/:version/referencedby')
  @ApiOperation({ summary: 'The ids of schemas that refer to a version' })
  referencedBy(@Param('subject') subject: string, @Param('version') version: string): Promise<readonly number[]> {
    return this.registry().referencedBy(subject, versionIn(version));
  }

  @Delete(':subject/versions/:version')
  @ApiOperation({ summary: 'Delete a version; permanent=true after it was deleted' })
  removeVersion(
    @Param('subject') subject: string,
    @Param('version') version: string,
    @Query('permanent') permanent?: string,
  ): Promise<number> {
    return this.registry().deleteVersion(subject, versionIn(version), isTrue(permanent));
  }
}
