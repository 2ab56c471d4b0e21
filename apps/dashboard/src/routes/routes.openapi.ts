// The schemas of routes in /docs, from the one that reads them.
import { routeSchema } from '@milepost/routes';
import type { ApiBodyOptions } from '@nestjs/swagger';
import { z } from 'zod';

type Schema = NonNullable<Extract<ApiBodyOptions, { schema: unknown }>['schema']>;

export const ROUTE = z.toJSONSchema(routeSchema, { io: 'input', target: 'openapi-3.0' }) as Schema;

const { properties: settings = {} } = ROUTE as { properties?: Record<string, Schema> };

export const LISTED_ROUTES: Schema = {
  type: 'object',
  properties: {
    version: { type: 'integer', description: 'Grows by each change' },
    routes: {
      type: 'array',
      items: {
        type: 'object',
        properties: { ...settings, origin: { type: 'string', enum: ['built-in', 'setting', 'operator'] } },
      },
    },
  },
};

export const TRIAL: Schema = {
  type: 'object',
  required: ['topic'],
  properties: {
    topic: { type: 'string', example: 'trucks/t-1/gps' },
    payload: { type: 'string', example: '{"lat":57.7,"lon":11.97}' },
    payloadBase64: { type: 'string', description: 'Instead of payload, for one that is no text' },
    client: { type: 'string', description: 'The MQTT client id' },
    route: { ...ROUTE, description: 'A route that is tried as if it were stored' } as Schema,
  },
};

export const TRIED: Schema = {
  type: 'object',
  properties: {
    route: { type: 'string', nullable: true, description: 'The route that takes the topic; null: none does' },
    records: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          topic: { type: 'string' },
          key: { type: 'string', nullable: true },
          headers: { type: 'object', additionalProperties: { type: 'string' } },
          isDeadLetter: { type: 'boolean', description: 'The reason is in its headers' },
          value: { type: 'string' },
          valueBase64: { type: 'string', description: 'Instead of value, if it is no text' },
        },
      },
    },
  },
};
