// Whether a schema may follow (Confluent's /compatibility). Each is a POST, as it has a body; none changes anything.
import type { SchemaRegistry, Version } from '@milepost/registry';
import { Body, Controller, HttpCode, Inject, Param, Post, Query, UseFilters } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Access } from '../../chassis/src/index.ts';
import { Refusals } from './refusals.ts';
import { candidateIn, isTrue, versionIn } from './request.ts';
import { BASE, REGISTRY } from './tokens.ts';

interface Verdict {
  readonly is_compatible: boolean;
  /** Only with `verbose=true`. */
  readonly messages?: readonly string[];
}

@ApiTags('schema registry')
@UseFilters(Refusals)
@Controller(`${BASE}/compatibility/subjects/:subject/versions`)
export class CompatibilityController {
  constructor(@Inject(REGISTRY) private readonly registry: () => SchemaRegistry) {}

  @Post()
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({ summary: 'Whether a schema may follow those that the subject’s level is about' })
  next(@Param('subject') subject: string, @Body() body: unknown, @Query('verbose') verbose?: string): Promise<Verdict> {
    return this.#verdict(subject, body, 'all', isTrue(verbose));
  }

  @Post(':version')
  @Access('viewer')
  @HttpCode(200)
  @ApiOperation({ summary: 'Whether a schema may follow one version' })
  after(
    @Param('subject') subject: string,
    @Param('version') version: string,
    @Body() body: unknown,
    @Query('verbose') verbose?: string,
  ): Promise<Verdict> {
    return this.#verdict(subject, body, versionIn(version), isTrue(verbose));
  }

  async #verdict(subject: string, body: unknown, version: Version | 'all', isVerbose: boolean): Promise<Verdict> {
    const messages = await this.registry().problems(subject, candidateIn(body), version);
    return { is_compatible: messages.length === 0, ...(isVerbose && { messages }) };
  }
}
