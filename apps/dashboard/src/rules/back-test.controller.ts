// "What would this rule have raised last week?": the log is read again and streamed through the rule, one JSON object a line.
// It ends when the client goes away.
import { Readable } from 'node:stream';
import {
  backTest,
  type BackTestEvent,
  observationOf,
  readRule,
  type Rule,
  RuleInvalid,
  type RuleStore,
} from '@milepost/alerts';
import type { Host, Logger } from '@milepost/core';
import { PositionReader } from '@milepost/fleet';
import { headerOf, productTopics, TRUCK_GPS } from '@milepost/streams';
import { Body, Controller, HttpCode, Inject, Post, Res, ServiceUnavailableException } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Access, HOST, LOGGER, type Schemas, SCHEMAS } from '../../../chassis/src/index.ts';
import { TRUCK_LOG } from '../live-map.part.ts';
import { timeFrom } from '../query.ts';
import type { TruckLog } from '../truck-log.ts';
import { BACK_TEST, BACK_TEST_EVENT, BAD_RULE } from './rule-schema.ts';
import { explained, RULE_STORE, ruleIn } from './rules.controller.ts';

/** More would only slow each other down. */
const BACK_TESTS_AT_ONCE = 2;
/** As many as a page can show. */
const MOST_ALERTS = 1_000;
const WEEK_MS = 7 * 24 * 3_600_000;
const NDJSON = 'application/x-ndjson';

interface Reply {
  header(name: string, value: string): Reply;
  send(body: Readable): unknown;
}

interface Wanted {
  readonly rule: Rule;
  readonly fromMs: number;
  readonly toMs: number;
}

@ApiTags('rules')
@Controller('api/rules')
export class BackTestController {
  readonly #positions: PositionReader;
  #running = 0;

  constructor(
    @Inject(RULE_STORE) private readonly store: () => RuleStore,
    @Inject(TRUCK_LOG) private readonly log: TruckLog,
    @Inject(HOST) private readonly host: Host,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(SCHEMAS) schemas: Schemas,
  ) {
    this.#positions = new PositionReader(schemas, () => {}); // refused records were counted by the map
  }

  @Post('backtest')
  @Access('operator')
  @HttpCode(200)
  @ApiOperation({ summary: 'What a rule would have raised: plays the log through it, without any other effect' })
  @ApiBody({ schema: BACK_TEST })
  @ApiProduces(NDJSON)
  @ApiOkResponse({
    description: `One JSON object a line: progress twice a second, alerts (at most ${MOST_ALERTS}), and an end or a failure`,
    schema: BACK_TEST_EVENT,
  })
  @ApiBadRequestResponse({ description: 'The rule or a time is wrong', schema: BAD_RULE })
  @ApiNotFoundResponse({ description: 'There is no such rule' })
  @ApiServiceUnavailableResponse({
    description: `${BACK_TESTS_AT_ONCE} back-tests are running, or the database is away`,
  })
  async run(@Body() body: unknown, @Res() reply: Reply): Promise<void> {
    const wanted = await this.#wanted(body).catch((error: unknown) => {
      throw explained(error);
    });
    if (this.#running >= BACK_TESTS_AT_ONCE)
      throw new ServiceUnavailableException(`${BACK_TESTS_AT_ONCE} back-tests are running: try again in a moment`);
    const lines = Readable.from(this.#lines(wanted), { objectMode: false });
    this.#running++;
    lines.once('close', () => this.#running--);
    void reply.header('content-type', NDJSON).send(lines);
  }

  async #wanted(body: unknown): Promise<Wanted> {
    const { from, rule, ruleId, to, ...others } = (body ?? {}) as Record<string, unknown>;
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw new RuleInvalid(unknown, 'rule, ruleId, from or to', unknown);
    if ((rule === undefined) === (ruleId === undefined))
      throw new RuleInvalid('rule', 'a rule, or the ruleId of a stored one', rule);
    const nowMs = this.host.clock.now();
    const toMs = to === undefined ? nowMs : Math.min(nowMs, timeIn('to', to));
    const fromMs = from === undefined ? toMs - WEEK_MS : timeIn('from', from);
    if (fromMs > toMs) throw new RuleInvalid('from', 'a time before to', from);
    if (typeof ruleId === 'string') return { rule: await ruleIn(this.store(), ruleId), fromMs, toMs };
    if (ruleId !== undefined) throw new RuleInvalid('ruleId', 'the id of a rule', ruleId);
    return { rule: { ...readRule(rule, () => 'back-test'), version: 0 }, fromMs, toMs };
  }

  async *#lines({ fromMs, rule, toMs }: Wanted): AsyncGenerator<string, void, undefined> {
    try {
      const partitions = productTopics.find(({ name }) => name === TRUCK_GPS)?.partitions ?? 1;
      const events = backTest({
        rule,
        log: this.log.read({ topic: TRUCK_GPS, fromMs }),
        prepare: (records) => this.#positions.prepare(records),
        observe: (record) => observationOf(record, this.#positions, headerOf),
        fromMs,
        toMs,
        partitions,
        mostAlerts: MOST_ALERTS,
        clock: this.host.clock,
      });
      for await (const event of events) yield line(event);
    } catch (error) {
      this.logger.warn({ rule: rule.id, error: String(error) }, 'a back-test failed');
      yield line({ kind: 'failed', message: (error as Error).message });
    }
  }
}

/** ISO 8601, or ms since 1970. */
function timeIn(field: string, value: unknown): number {
  if (typeof value === 'string' || typeof value === 'number') return timeFrom(field, String(value));
  throw new RuleInvalid(field, 'a time such as 2026-05-01T12:00:00Z, or milliseconds since 1970', value);
}

const line = (event: BackTestEvent | { readonly kind: 'failed'; readonly message: string }): string =>
  `${JSON.stringify(event)}\n`;
