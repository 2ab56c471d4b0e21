// The rules, for the page and for scripts. A change is in force within a second or two, without a restart.
import {
  type AddOutcome,
  isRuleId,
  MOST_RULES,
  readRule,
  readRules,
  type Rule,
  type RuleDraft,
  RuleInvalid,
  type RuleStore,
} from '@milepost/alerts';
import { TransactionLost } from '@milepost/postgres';
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
  Patch,
  Post,
  Put,
  ServiceUnavailableException,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { Access } from '../../../chassis/src/index.ts';
import { BAD_RULE, CHANGES, DRAFT, IMPORT, RULE, RULES, SAVED } from './rule-schema.ts';

/** `() => RuleStore`; it throws a 503 where the program has no database. */
export const RULE_STORE = Symbol('RuleStore');

export interface Saved {
  readonly rule: Rule;
  /** Of the trucks that the rule names, those without any position so far. */
  readonly unheardTrucks: readonly string[];
}

@ApiTags('rules')
@ApiServiceUnavailableResponse({ description: 'The database is away, or this program has none' })
@Controller('api/rules')
export class RulesController {
  constructor(@Inject(RULE_STORE) private readonly store: () => RuleStore) {}

  @Get()
  @ApiOperation({ summary: 'All rules. The result is also the file format of exports' })
  @ApiOkResponse({ description: 'In the order of their ids', schema: RULES })
  rules(): Promise<readonly Rule[]> {
    return this.#with(async (store) => (await store.list()).rules);
  }

  @Get(':id')
  @ApiOperation({ summary: 'One rule' })
  @ApiOkResponse({ schema: RULE })
  @ApiNotFoundResponse({ description: 'There is no such rule' })
  rule(@Param('id') id: string): Promise<Rule> {
    return this.#with((store) => ruleIn(store, id));
  }

  @Post()
  @Access('operator')
  @ApiOperation({ summary: 'Adds a rule' })
  @ApiBody({ schema: DRAFT })
  @ApiCreatedResponse({ schema: SAVED })
  @ApiBadRequestResponse({
    description: 'The rule is wrong: its field, what was expected, what was seen',
    schema: BAD_RULE,
  })
  @ApiConflictResponse({ description: 'There is a rule with that id' })
  add(@Body() body: unknown): Promise<Saved> {
    return this.#with(async (store) => {
      const { rules } = await store.list();
      const draft = readRule(body, (name) => unusedId(name, rules));
      const [rule] = added(await store.add([draft], 'refuse'));
      return this.#saved(store, rule as Rule);
    });
  }

  @Post('import')
  @Access('operator')
  @ApiOperation({ summary: 'Adds several rules: all or none' })
  @ApiBody({ schema: IMPORT })
  @ApiCreatedResponse({ schema: RULES })
  @ApiBadRequestResponse({ description: 'A rule is wrong: its place, its field, what was expected', schema: BAD_RULE })
  @ApiConflictResponse({ description: 'There are rules with these ids, and replace is not true' })
  import(@Body() body: unknown): Promise<readonly Rule[]> {
    return this.#with(async (store) => {
      const drafts = readRules(body, MOST_RULES);
      const isReplacing = (body as { replace?: unknown }).replace === true;
      return added(await store.add(drafts, isReplacing ? 'replace' : 'refuse'));
    });
  }

  @Put(':id')
  @Access('operator')
  @ApiOperation({ summary: 'Replaces a rule. With a version: only if the rule still has it' })
  @ApiBody({ schema: DRAFT })
  @ApiOkResponse({ schema: SAVED })
  @ApiBadRequestResponse({ schema: BAD_RULE, description: 'The rule is wrong' })
  @ApiNotFoundResponse({ description: 'There is no such rule' })
  @ApiConflictResponse({ description: 'The rule has been changed meanwhile' })
  replace(@Param('id') id: string, @Body() body: unknown): Promise<Saved> {
    return this.#with((store) => this.#replace(store, id, body));
  }

  @Patch(':id')
  @Access('operator')
  @ApiOperation({ summary: 'Changes some fields of a rule, such as enabled' })
  @ApiBody({ schema: CHANGES })
  @ApiOkResponse({ schema: SAVED })
  @ApiBadRequestResponse({ schema: BAD_RULE, description: 'The rule would be wrong' })
  @ApiNotFoundResponse({ description: 'There is no such rule' })
  @ApiConflictResponse({ description: 'The rule has been changed meanwhile' })
  change(@Param('id') id: string, @Body() changes: unknown): Promise<Saved> {
    return this.#with(async (store) => {
      if (typeof changes !== 'object' || changes === null)
        throw new RuleInvalid('the changes', 'a JSON object', changes);
      const merged = Object.entries({ ...(await ruleIn(store, id)), ...changes }).filter(([, value]) => value !== null);
      return this.#replace(store, id, Object.fromEntries(merged));
    });
  }

  @Delete(':id')
  @Access('operator')
  @HttpCode(204)
  @ApiOperation({ summary: 'Removes a rule. Its alerts remain' })
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'There is no such rule' })
  remove(@Param('id') id: string): Promise<void> {
    return this.#with(async (store) => {
      if (!(await store.remove(id))) throw missing(id);
    });
  }

  async #replace(store: RuleStore, id: string, body: unknown): Promise<Saved> {
    const { version } = (body ?? {}) as { version?: unknown };
    const draft = readRule(body, () => id);
    if (draft.id !== id) throw new RuleInvalid('id', `${id}, as in the address`, draft.id);
    if (version !== undefined && !Number.isSafeInteger(version))
      throw new RuleInvalid('version', 'the version of the rule that is replaced', version);
    const outcome = await store.replace(draft, version as number | undefined);
    if (outcome.kind === 'missing') throw missing(id);
    if (outcome.kind === 'changed')
      throw new ConflictException(`rule ${id} has been changed meanwhile: its version is ${outcome.version} now`);
    return this.#saved(store, outcome.rule);
  }

  async #saved(store: RuleStore, rule: Rule): Promise<Saved> {
    return { rule, unheardTrucks: await store.unheard(truckIdsOf(rule)) };
  }

  async #with<Result>(work: (store: RuleStore) => Promise<Result>): Promise<Result> {
    try {
      return await work(this.store());
    } catch (error) {
      throw explained(error);
    }
  }
}

/** The response to a user's mistake, and to an absent database. */
export function explained(error: unknown): unknown {
  if (error instanceof RuleInvalid)
    return new BadRequestException({
      statusCode: 400,
      error: 'Bad Request',
      message: error.message,
      field: error.field,
    });
  if (error instanceof TransactionLost)
    return new ServiceUnavailableException(`the rules cannot be reached: ${error.message}`);
  return error;
}

/** @throws 404 */
export async function ruleIn(store: RuleStore, id: string): Promise<Rule> {
  const found = (await store.list()).rules.find((rule) => rule.id === id);
  if (!found) throw missing(id);
  return found;
}

const missing = (id: string): NotFoundException =>
  new NotFoundException(`there is no rule ${isRuleId(id) ? id : 'of that name'}: GET /api/rules lists them`);

function added(outcome: AddOutcome): readonly Rule[] {
  switch (outcome.kind) {
    case 'added':
      return outcome.rules;
    case 'exists':
      throw new ConflictException(
        `there is a rule ${outcome.ids.join(', ')} already: choose another id, or replace it`,
      );
    case 'full':
      throw new ConflictException(`there are ${MOST_RULES} rules, the limit: remove one first`);
  }
}

const truckIdsOf = ({ trucks }: RuleDraft): readonly string[] =>
  trucks !== 'all' && 'ids' in trucks ? trucks.ids : [];

/** From the rule's name; a number makes it unused. */
function unusedId(name: string | undefined, rules: readonly Rule[]): string {
  const words = (name ?? 'rule').toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const base = words.replace(/^-+|-+$/g, '').slice(0, 50) || 'rule';
  const used = new Set(rules.map(({ id }) => id));
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`;
    if (!used.has(id)) return id;
  }
}
