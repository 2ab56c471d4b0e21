// The rules in OpenAPI, from the table that also reads them.
import { DAYS, type FieldType, MOST_RULES, RULE_KINDS } from '@milepost/alerts';
import type { ApiResponseOptions } from '@nestjs/swagger';

type Schema = Extract<ApiResponseOptions, { schema: unknown }>['schema'] & object;

const number = (description: string): Schema => ({ type: 'number', description });
const POINT: Schema = { type: 'array', items: { type: 'number' }, minItems: 2, maxItems: 3, description: '[lon, lat]' };

const AREA: Schema = {
  oneOf: [
    {
      type: 'object',
      required: ['type', 'coordinates'],
      description: 'GeoJSON. In a request also a Feature or a FeatureCollection of polygons',
      properties: {
        type: { type: 'string', enum: ['Polygon', 'MultiPolygon'] },
        coordinates: { type: 'array', items: {} },
      },
    },
    {
      type: 'object',
      required: ['type', 'center', 'radiusM'],
      properties: { type: { type: 'string', enum: ['Circle'] }, center: POINT, radiusM: number('meters') },
    },
  ],
};

const HEAD: Readonly<Record<string, Schema>> = {
  id: {
    type: 'string',
    pattern: '^[a-z0-9-]{1,64}$',
    description: 'A part of its alerts’ ids. Left out in a POST: made from the name',
  },
  name: { type: 'string', maxLength: 100, description: 'Left out: the id' },
  enabled: { type: 'boolean', default: true },
  trucks: {
    default: 'all',
    oneOf: [
      { type: 'string', enum: ['all'] },
      { type: 'object', required: ['ids'], properties: { ids: { type: 'array', items: { type: 'string' } } } },
      {
        type: 'object',
        required: ['pattern'],
        properties: { pattern: { type: 'string', example: 'north-*', description: '* is any text, ? any character' } },
      },
    ],
  },
  coolDownSeconds: number('For this long after an alert there is no other one for the same truck'),
  schedule: {
    type: 'object',
    required: ['timeZone'],
    description: 'When the rule applies. Left out: always',
    properties: {
      timeZone: { type: 'string', example: 'Europe/Stockholm', description: 'An IANA name' },
      days: { type: 'array', items: { type: 'string', enum: [...DAYS] }, description: 'Left out: every day' },
      from: { type: 'string', example: '22:00' },
      to: { type: 'string', example: '05:00', description: 'Earlier than from: on the following day' },
    },
  },
  alertLate: {
    type: 'boolean',
    default: false,
    description: 'Positions that arrive late raise alerts too, marked late',
  },
};

function schemaOf(is: FieldType, does: string): Schema {
  switch (is.type) {
    case 'number':
      return { type: 'number', minimum: is.from, maximum: is.to, description: `${does} (${is.unit})` };
    case 'choice':
      return { type: 'string', enum: [...is.values], description: does };
    case 'area':
      return { ...AREA, description: does };
    case 'line':
      return { type: 'array', items: POINT, minItems: 2, description: does };
  }
}

/** A rule as a request has it. */
export const DRAFT: Schema = {
  oneOf: Object.entries(RULE_KINDS).map(([kind, { canAlertLate, does, fields }]): Schema => {
    const { alertLate, ...head } = HEAD;
    const required = Object.entries(fields).flatMap(([field, { absent }]) => (absent === 'required' ? [field] : []));
    return {
      type: 'object',
      description: `The truck ${does}`,
      required: ['kind', ...required, ...(kind === 'ignition' ? ['schedule'] : [])],
      properties: {
        ...head,
        ...(canAlertLate && alertLate && { alertLate }),
        kind: { type: 'string', enum: [kind] },
        ...Object.fromEntries(
          Object.entries(fields).map(([field, { does: meaning, is }]) => [field, schemaOf(is, meaning)]),
        ),
      },
    };
  }),
};

export const RULE: Schema = {
  allOf: [
    DRAFT,
    {
      type: 'object',
      required: ['id', 'name', 'enabled', 'trucks', 'version'],
      properties: { version: { type: 'integer', description: 'Grows with each change of any rule' } },
    },
  ],
};

export const RULES: Schema = { type: 'array', items: RULE };

export const SAVED: Schema = {
  type: 'object',
  required: ['rule', 'unheardTrucks'],
  properties: {
    rule: RULE,
    unheardTrucks: {
      type: 'array',
      items: { type: 'string' },
      description:
        'Of trucks.ids those without any position so far: the rule waits for them. Perhaps an id is misspelled',
    },
  },
};

export const IMPORT: Schema = {
  type: 'object',
  required: ['rules'],
  properties: {
    rules: { type: 'array', items: DRAFT, maxItems: MOST_RULES, description: 'Each with its id, as GET gives them' },
    replace: {
      type: 'boolean',
      default: false,
      description: 'Rules with these ids are replaced. Otherwise that is a 409',
    },
  },
};

export const CHANGES: Schema = {
  type: 'object',
  description: 'The fields to change; null removes one (RFC 7396)',
  example: { enabled: false },
};

export const BAD_RULE: Schema = {
  type: 'object',
  properties: {
    statusCode: { type: 'integer', example: 400 },
    error: { type: 'string', example: 'Bad Request' },
    message: { type: 'string', example: 'limitKmh: expected a number from 1 to 2000 (km/h); saw -5' },
    field: { type: 'string', example: 'limitKmh', description: 'The field that is wrong' },
  },
};

export const BACK_TEST: Schema = {
  type: 'object',
  description: 'A rule, or the ruleId of a stored one',
  properties: {
    rule: DRAFT,
    ruleId: { type: 'string' },
    from: { type: 'string', example: '2026-05-01T12:00:00Z', description: 'Left out: a week before to' },
    to: { type: 'string', description: 'Left out: now' },
  },
};

const count: Schema = { type: 'integer' };
const kind = (name: string): Schema => ({ type: 'string', enum: [name] });

/** One line of the response. */
export const BACK_TEST_EVENT: Schema = {
  oneOf: [
    {
      type: 'object',
      properties: {
        kind: kind('progress'),
        positions: count,
        alerts: count,
        fraction: { type: 'number', description: 'From 0 to 1' },
      },
    },
    {
      type: 'object',
      properties: { kind: kind('alert'), alert: { type: 'object', description: 'As in GET /api/alerts' } },
    },
    {
      type: 'object',
      properties: {
        kind: kind('end'),
        positions: count,
        alerts: count,
        isCut: { type: 'boolean', description: 'There are more alerts than are shown' },
      },
    },
    { type: 'object', properties: { kind: kind('failed'), message: { type: 'string' } } },
  ],
};
