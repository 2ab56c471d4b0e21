// The payloads that became dead letters, the newest first, and sending one again.
import type { Host } from '@milepost/core';
import { DEAD_LETTER_REASONS } from '@milepost/ingress';
import type { RouteCatalog } from '@milepost/routes';
import type { DeviceStore } from '@milepost/security';
import type { Settings } from '@milepost/settings';
import { PartitionUnreadable, type RecordToSend } from '@milepost/streams';
import {
  BadRequestException,
  Controller,
  Get,
  HttpCode,
  HttpException,
  Inject,
  NotFoundException,
  Param,
  Post,
  Query,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Access, HOST, positionWriter, type Schemas, SCHEMAS, SETTINGS } from '../../../chassis/src/index.ts';
import { DEVICE_STORE } from '../devices/devices.controller.ts';
import { DatabaseAway } from '../from-database.ts';
import { choiceFrom, limitFrom, onlyOne, type Parameter, timeFrom } from '../query.ts';
import { ROUTE_CATALOG } from '../routes/routes.controller.ts';
import type { DeadLetterPage, SentAgain, WholeDeadLetter } from '../views.ts';
import { type Cursor, DeadLetterLog, type DeadLetterSource, type WholeLetter } from './dead-letter-log.ts';
import { DEAD_LETTER, DEAD_LETTERS_PAGE, SENT_AGAIN } from './dead-letters.openapi.ts';
import { resend } from './resend.ts';

/** `() => DeadLetterSource`, one for each request. */
export const DEAD_LETTERS = Symbol('DeadLetters');
/** Stores records in the log. */
export const SEND_RECORDS = Symbol('SendRecords');
export type SendRecords = (records: readonly RecordToSend[]) => Promise<void>;

const DEFAULT_PAGE = 50;
const MOST_AT_ONCE = 4;

@ApiTags('dead letters')
@ApiBearerAuth()
@ApiServiceUnavailableResponse({
  description: 'The log or the database is away, or too many such requests are under way',
})
@UseFilters(DatabaseAway)
@Controller('api/dead-letters')
export class DeadLettersController {
  #underWay = 0;

  constructor(
    @Inject(DEAD_LETTERS) private readonly source: () => DeadLetterSource,
    @Inject(SEND_RECORDS) private readonly send: SendRecords,
    @Inject(ROUTE_CATALOG) private readonly catalog: () => RouteCatalog,
    @Inject(DEVICE_STORE) private readonly devices: () => DeviceStore,
    @Inject(SCHEMAS) private readonly schemas: Schemas,
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(HOST) private readonly host: Host,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Payloads that became no position, the newest first' })
  @ApiQuery({ name: 'reason', required: false, enum: DEAD_LETTER_REASONS })
  @ApiQuery({ name: 'search', required: false, type: String, description: 'A part of the truck, client id or topic' })
  @ApiQuery({ name: 'from', required: false, type: String, description: 'Received then or later: ISO 8601 or ms' })
  @ApiQuery({ name: 'to', required: false, type: String, description: 'Received then or before' })
  @ApiQuery({ name: 'after', required: false, type: String, description: '`next` of the previous page' })
  @ApiQuery({ name: 'limit', required: false, type: Number, description: `1 to 1000; left out: ${DEFAULT_PAGE}` })
  @ApiOkResponse({ schema: DEAD_LETTERS_PAGE, description: 'A page may be short, and still have a next one' })
  @ApiBadRequestResponse({ description: 'The parameter, what was expected, what was seen' })
  list(
    @Query('reason') reason?: Parameter,
    @Query('search') search?: Parameter,
    @Query('from') from?: Parameter,
    @Query('to') to?: Parameter,
    @Query('after') after?: Parameter,
    @Query('limit') limit?: Parameter,
  ): Promise<DeadLetterPage> {
    const filter = {
      reason: choiceFrom('reason', reason, DEAD_LETTER_REASONS),
      search: onlyOne('search', search),
      fromMs: optionalTime('from', from),
      toMs: optionalTime('to', to),
    };
    const [most, cursor] = [limitFrom(limit, DEFAULT_PAGE), cursorFrom(after)];
    return this.#with((log) => log.page(filter, most, cursor));
  }

  @Get(':id')
  @ApiOperation({ summary: 'One dead letter, with the bytes that the device sent' })
  @ApiOkResponse({ schema: DEAD_LETTER })
  @ApiNotFoundResponse({ description: 'There is no such dead letter, or the log has deleted it' })
  one(@Param('id') id: string): Promise<WholeDeadLetter> {
    return this.#with(async (log) => {
      const { payload, view } = await letterIn(log, id);
      return { ...view, payloadBase64: payload.toString('base64') };
    });
  }

  @Post(':id/send-again')
  @Access('operator')
  @HttpCode(200)
  @ApiOperation({
    summary:
      'Sends a dead letter again, by the routes of now. Of a batch, positions that were understood are stored a second time',
  })
  @ApiOkResponse({ schema: SENT_AGAIN, description: 'The records that it has become' })
  @ApiNotFoundResponse({ description: 'There is no such dead letter' })
  @ApiConflictResponse({ description: 'It would be a dead letter again, and why; nothing is stored' })
  sendAgain(@Param('id') id: string): Promise<SentAgain> {
    return this.#with(async (log) => {
      const letter = await letterIn(log, id);
      return resend(letter, {
        clock: this.host.clock,
        routes: await this.catalog().compiled(),
        devices: { find: (ids) => this.devices().find(ids) },
        encode: await positionWriter(this.settings, this.schemas),
        send: this.send,
      });
    });
  }

  async #with<Result>(work: (log: DeadLetterLog) => Promise<Result>): Promise<Result> {
    if (this.#underWay >= MOST_AT_ONCE)
      throw new ServiceUnavailableException(`${MOST_AT_ONCE} such requests are under way: try again in a moment`);
    this.#underWay++;
    const log = new DeadLetterLog(this.source());
    try {
      return await work(log);
    } catch (error) {
      if (error instanceof HttpException) throw error;
      throw error instanceof PartitionUnreadable ? new ServiceUnavailableException(error.message) : error;
    } finally {
      this.#underWay--;
      await log.close();
    }
  }
}

const optionalTime = (name: string, parameter: Parameter): number | undefined => {
  const text = onlyOne(name, parameter);
  return text === undefined ? undefined : timeFrom(name, text);
};

function cursorFrom(parameter: Parameter): Cursor | undefined {
  const text = onlyOne('after', parameter);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}:\d{1,15}(,\d{1,9}:\d{1,15}){0,999}$/.test(text))
    throw new BadRequestException('after: expected the next of a page');
  return new Map(text.split(',').map((one) => one.split(':').map(Number) as [number, number]));
}

async function letterIn(log: DeadLetterLog, id: string): Promise<WholeLetter> {
  const [, partition, offset] = /^(\d{1,9})-(\d{1,15})$/.exec(id) ?? [];
  const letter = partition === undefined ? undefined : await log.letter(Number(partition), Number(offset));
  if (!letter) throw new NotFoundException('there is no such dead letter: GET /api/dead-letters lists them');
  return letter;
}
