// Compatibility levels and modes, of all subjects and of one (Confluent's /config and /mode).
import { GLOBAL, type RegistryScopes } from '@milepost/registry';
import { Body, Controller, Delete, Get, Inject, Param, Put, Query, UseFilters } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Refusals } from './refusals.ts';
import { isTrue, objectIn } from './request.ts';
import { BASE, SCOPES } from './tokens.ts';

@ApiTags('schema registry')
@UseFilters(Refusals)
@Controller(`${BASE}/config`)
export class ConfigController {
  constructor(@Inject(SCOPES) private readonly scopes: () => RegistryScopes) {}

  @Get()
  @ApiOperation({ summary: 'The compatibility level of all subjects' })
  global(): Promise<{ readonly compatibilityLevel: string }> {
    return this.subject(GLOBAL);
  }

  @Put()
  @ApiOperation({ summary: 'Set the compatibility level of all subjects' })
  setGlobal(@Body() body: unknown): Promise<{ readonly compatibility: string }> {
    return this.set(GLOBAL, body);
  }

  @Delete()
  @ApiOperation({ summary: 'Back to BACKWARD' })
  removeGlobal(): Promise<{ readonly compatibilityLevel: string }> {
    return this.remove(GLOBAL);
  }

  @Get(':subject')
  @ApiOperation({ summary: 'The compatibility level of a subject' })
  async subject(
    @Param('subject') subject: string,
    @Query('defaultToGlobal') inherits?: string,
  ): Promise<{ readonly compatibilityLevel: string }> {
    return { compatibilityLevel: await this.scopes().compatibility(subject, isTrue(inherits)) };
  }

  @Put(':subject')
  @ApiOperation({ summary: 'Set the compatibility level of a subject' })
  async set(@Param('subject') subject: string, @Body() body: unknown): Promise<{ readonly compatibility: string }> {
    return { compatibility: await this.scopes().setCompatibility(subject, objectIn(body)['compatibility']) };
  }

  @Delete(':subject')
  @ApiOperation({ summary: 'Let a subject have the level of all again' })
  async remove(@Param('subject') subject: string): Promise<{ readonly compatibilityLevel: string }> {
    return { compatibilityLevel: await this.scopes().removeCompatibility(subject) };
  }
}

interface ModeBody {
  readonly mode: string;
}

@ApiTags('schema registry')
@UseFilters(Refusals)
@Controller(`${BASE}/mode`)
export class ModeController {
  constructor(@Inject(SCOPES) private readonly scopes: () => RegistryScopes) {}

  @Get()
  @ApiOperation({ summary: 'The mode of all subjects' })
  global(): Promise<ModeBody> {
    return this.subject(GLOBAL);
  }

  @Put()
  @ApiOperation({ summary: 'Set the mode of all subjects: READWRITE, READONLY, READONLY_OVERRIDE or IMPORT' })
  setGlobal(@Body() body: unknown, @Query('force') force?: string): Promise<ModeBody> {
    return this.set(GLOBAL, body, force);
  }

  @Delete()
  @ApiOperation({ summary: 'Back to READWRITE' })
  removeGlobal(): Promise<ModeBody> {
    return this.remove(GLOBAL);
  }

  @Get(':subject')
  @ApiOperation({ summary: 'The mode of a subject' })
  async subject(@Param('subject') subject: string, @Query('defaultToGlobal') inherits?: string): Promise<ModeBody> {
    return { mode: await this.scopes().mode(subject, isTrue(inherits)) };
  }

  @Put(':subject')
  @ApiOperation({ summary: 'Set the mode of a subject' })
  async set(
    @Param('subject') subject: string,
    @Body() body: unknown,
    @Query('force') force?: string,
  ): Promise<ModeBody> {
    return { mode: await this.scopes().setMode(subject, objectIn(body)['mode'], isTrue(force)) };
  }

  @Delete(':subject')
  @ApiOperation({ summary: 'Let a subject have the mode of all again' })
  async remove(@Param('subject') subject: string): Promise<ModeBody> {
    return { mode: await this.scopes().removeMode(subject) };
  }
}
