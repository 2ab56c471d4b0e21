// The schemas of dead letters in /docs.
import { DEAD_LETTER_REASONS } from '@milepost/ingress';
import type { ApiBodyOptions } from '@nestjs/swagger';

type Schema = NonNullable<Extract<ApiBodyOptions, { schema: unknown }>['schema']>;

const properties: Record<string, Schema> = {
  id: { type: 'string', example: '1-4711', description: 'Its partition and offset' },
  receivedAt: { type: 'string', format: 'date-time' },
  reason: { type: 'string', enum: [...DEAD_LETTER_REASONS] },
  detail: { type: 'string', description: 'What was expected, and what was seen' },
  topic: { type: 'string', example: 'trucks/t-1/gps', description: 'Of MQTT' },
  client: { type: 'string', description: 'The MQTT client id' },
  principal: { type: 'string', nullable: true, example: 'User:t-1' },
  key: { type: 'string', nullable: true, description: 'The truck, if the topic names one' },
  sizeBytes: { type: 'integer', description: 'Of the first part' },
  parts: { type: 'integer', description: 'More than one: it is larger than a record' },
  beginBase64: { type: 'string', description: 'The first 512 bytes' },
};

export const DEAD_LETTERS_PAGE: Schema = {
  type: 'object',
  properties: {
    letters: { type: 'array', items: { type: 'object', properties } },
    next: { type: 'string', nullable: true, description: '`after` of the next page; null: this is the last one' },
  },
};

export const DEAD_LETTER: Schema = {
  type: 'object',
  properties: { ...properties, payloadBase64: { type: 'string', description: 'As the device sent it' } },
};

export const SENT_AGAIN: Schema = {
  type: 'object',
  properties: {
    records: {
      type: 'array',
      items: { type: 'object', properties: { topic: { type: 'string' }, key: { type: 'string', nullable: true } } },
    },
  },
};
