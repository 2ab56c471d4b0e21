// The devices that may connect by MQTT, for the page and for scripts. A change counts in every gateway at once: it ends the connections
// of a device that was blocked, removed or changed.
import { Readable } from 'node:stream';
import {
  checkId,
  DeviceRefused,
  DeviceRegistration,
  type ImportOptions,
  type ImportProgress,
  type DeviceList,
} from '@milepost/devices';
import type { Host, Logger } from '@milepost/core';
import type { DeviceStatus, DeviceStore } from '@milepost/security';
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  Delete,
  type ExceptionFilter,
  Get,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Patch,
  Post,
  Query,
  Res,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiConsumes,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Access, HOST, LOGGER } from '../../../chassis/src/index.ts';
import { DatabaseAway } from '../from-database.ts';
import { limitFrom, onlyOne, type Parameter } from '../query.ts';
import type { DevicePage, DeviceView, ImportEvent } from '../views.ts';
import { flagFrom, readChanges, readImport, readNewDevice } from './device-requests.ts';
import { ADDED, CHANGES, DEVICE, DEVICES, IMPORT_EVENT, LIST, NEW_DEVICE, PASSWORD } from './devices.openapi.ts';

/** `() => DeviceStore`; it throws a 503 where the program has no database. */
export const DEVICE_STORE = Symbol('DeviceStore');

/** One at a time: the threads that derive keys also sync the logs. */
const DERIVED_AT_ONCE = 1;
const DEFAULT_PAGE = 100;
const BROKEN_SHOWN = 1_000;
const NDJSON = 'application/x-ndjson';

interface Reply {
  header(name: string, value: string): Reply;
  code(status: number): Reply;
  send(body: object): unknown;
}

@Catch(DeviceRefused)
class Refusals implements ExceptionFilter<DeviceRefused> {
  catch({ broken, kind, message }: DeviceRefused, host: ArgumentsHost): void {
    const status = { wrong: 400, exists: 409, missing: 404 }[kind];
    const error = { wrong: 'Bad Request', exists: 'Conflict', missing: 'Not Found' }[kind];
    const lines = broken.slice(0, BROKEN_SHOWN);
    const body = { statusCode: status, error, message, ...(lines.length > 0 && { broken: lines }) };
    void host.switchToHttp().getResponse<Reply>().code(status).send(body);
  }
}

@ApiTags('devices')
@ApiBearerAuth()
@ApiServiceUnavailableResponse({ description: 'The database is away, or this program has none' })
@UseFilters(Refusals, DatabaseAway)
@Controller('api/devices')
export class DevicesController {
  #isImporting = false;

  constructor(
    @Inject(DEVICE_STORE) private readonly store: () => DeviceStore,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  @Get()
  @ApiOperation({ summary: 'The devices by id, page by page, with what gateways noticed about them' })
  @ApiQuery({ name: 'search', required: false, type: String, description: 'A part of the id' })
  @ApiQuery({ name: 'blocked', required: false, type: Boolean, description: 'Left out: both' })
  @ApiQuery({ name: 'after', required: false, type: String, description: '`next` of the previous page' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: `1 to 1000; left out: ${DEFAULT_PAGE}` })
  @ApiOkResponse({ schema: DEVICES })
  async list(
    @Query('search') search?: Parameter,
    @Query('blocked') blocked?: Parameter,
    @Query('after') after?: Parameter,
    @Query('limit') limit?: Parameter,
  ): Promise<DevicePage> {
    const filter = { search: onlyOne('search', search), isBlocked: flagFrom('blocked', blocked) };
    const most = limitFrom(limit, DEFAULT_PAGE);
    const [found, total] = await Promise.all([
      this.store().list(onlyOne('after', after) ?? '', most + 1, filter),
      this.store().count(filter),
    ]);
    const devices = found.slice(0, most).map(viewOf);
    return { devices, total, next: found.length > most ? (devices.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @ApiOperation({ summary: 'One device' })
  @ApiOkResponse({ schema: DEVICE })
  @ApiNotFoundResponse({ description: 'There is no such device' })
  async one(@Param('id') id: string): Promise<DeviceView> {
    const status = await this.store().status(id);
    if (!status) throw new NotFoundException(`there is no device ${id.slice(0, 128)}`);
    return viewOf(status);
  }

  @Post()
  @Access('operator')
  @ApiOperation({ summary: 'Registers a device. A password that was made is in this response, and nowhere else' })
  @ApiBody({ schema: NEW_DEVICE })
  @ApiCreatedResponse({ schema: ADDED })
  @ApiBadRequestResponse({ description: 'The field, what was expected, what was seen' })
  @ApiConflictResponse({ description: 'There is a device of that id' })
  async add(@Body() body: unknown): Promise<{ readonly device: DeviceView; readonly password: string | null }> {
    const wanted = readNewDevice(body);
    const password = await this.#registration().add(wanted, false);
    return { device: await this.one(wanted.id), password: password ?? null };
  }

  @Patch(':id')
  @Access('operator')
  @ApiOperation({
    summary:
      'Blocks or unblocks a device, or gives it other topics. One that only a certificate let in can be blocked, too',
  })
  @ApiBody({ schema: CHANGES })
  @ApiOkResponse({ schema: DEVICE })
  @ApiNotFoundResponse({ description: 'There is no such device' })
  async change(@Param('id') id: string, @Body() body: unknown): Promise<DeviceView> {
    const { isBlocked, topics } = readChanges(body);
    if (topics) await this.#registration().changeTopics(id, topics);
    if (isBlocked !== undefined) {
      checkId(id);
      await this.store().setBlocked(id, isBlocked);
    }
    return this.one(id);
  }

  @Post(':id/password')
  @Access('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Makes a new password, which is in this response and nowhere else' })
  @ApiOkResponse({ schema: PASSWORD })
  @ApiNotFoundResponse({ description: 'There is no such device' })
  async newPassword(@Param('id') id: string): Promise<{ readonly password: string }> {
    return { password: await this.#registration().newPassword(id) };
  }

  @Delete(':id')
  @Access('operator')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Forgets a device: its connections by password end. A certificate lets it in until it is blocked',
  })
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'There is no such device' })
  async remove(@Param('id') id: string): Promise<void> {
    checkId(id);
    if (!(await this.store().remove(id))) throw new DeviceRefused('missing', `there is no device ${id}`);
  }

  @Post('import')
  @Access('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'Registers the devices of a CSV or a JSON list. It ends when the client goes away' })
  @ApiConsumes('text/csv', 'application/json')
  @ApiQuery({ name: 'skipBroken', required: false, type: Boolean, description: 'true: imports the others' })
  @ApiQuery({ name: 'replace', required: false, type: Boolean, description: 'true: existing ones are replaced' })
  @ApiQuery({ name: 'passwords', required: false, type: Boolean, description: 'false: those without one get none' })
  @ApiBody({ schema: LIST })
  @ApiProduces(NDJSON)
  @ApiOkResponse({ description: 'One JSON object a line: progress, and an end or a failure', schema: IMPORT_EVENT })
  @ApiBadRequestResponse({ description: 'Nothing is imported; `broken` names the lines by their numbers' })
  @ApiConflictResponse({ description: 'There are such devices, and replace is not true' })
  async import(
    @Body() body: unknown,
    @Res() reply: Reply,
    @Query('skipBroken') skipBroken?: Parameter,
    @Query('replace') replace?: Parameter,
    @Query('passwords') passwords?: Parameter,
  ): Promise<void> {
    const options: ImportOptions = {
      skipBroken: flagFrom('skipBroken', skipBroken) ?? false,
      replaces: flagFrom('replace', replace) ?? false,
      passwords: (flagFrom('passwords', passwords) ?? true) ? 'made' : 'none',
    };
    const list = readImport(body);
    if (this.#isImporting)
      throw new ServiceUnavailableException('another import is running: try again when it is over');
    this.#isImporting = true;
    try {
      const steps = this.#registration().importList(list, options);
      await steps.next(); // everything is checked, and nothing is stored yet
      const lines = Readable.from(this.#lines(list, steps), { objectMode: false });
      lines.once('close', () => (this.#isImporting = false));
      void reply.header('content-type', NDJSON).send(lines);
    } catch (failure) {
      this.#isImporting = false;
      throw failure;
    }
  }

  async *#lines(
    { broken, devices }: DeviceList,
    steps: AsyncGenerator<ImportProgress, void>,
  ): AsyncGenerator<string, void, undefined> {
    try {
      for await (const step of steps) yield line({ kind: 'progress', ...step });
      yield line({ kind: 'end', imported: devices.length, broken: broken.slice(0, BROKEN_SHOWN) });
    } catch (failure) {
      this.logger.warn({ error: String(failure) }, 'an import of devices failed');
      yield line({ kind: 'failed', message: (failure as Error).message });
    }
  }

  #registration(): DeviceRegistration {
    const { keys, random } = this.host;
    return new DeviceRegistration({ store: this.store(), keys, random, derivedAtOnce: DERIVED_AT_ONCE });
  }
}

const line = (event: ImportEvent): string => `${JSON.stringify(event)}\n`;

const viewOf = ({
  certificateEndsMs,
  lastFailureMs,
  lastSeenMs,
  failedLogins,
  hasPassword,
  id,
  isBlocked,
  publish,
  subscribe,
}: DeviceStatus): DeviceView => ({
  id,
  isBlocked,
  hasPassword,
  publish,
  subscribe,
  lastSeen: isoOrNull(lastSeenMs),
  failedLogins,
  lastFailure: isoOrNull(lastFailureMs),
  certificateEnds: isoOrNull(certificateEndsMs),
});

const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString());
