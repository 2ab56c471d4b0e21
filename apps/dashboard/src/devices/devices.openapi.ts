// The schemas of devices in /docs.
import type { ApiBodyOptions } from '@nestjs/swagger';

type Schema = NonNullable<Extract<ApiBodyOptions, { schema: unknown }>['schema']>;

const FILTERS = (what: string): Schema => ({
  type: 'array',
  items: { type: 'string', example: 'trucks/#' },
  description: `Topic filters beside its own, where it may ${what}`,
});
const TIME: Schema = { type: 'string', format: 'date-time', nullable: true };

export const DEVICE: Schema = {
  type: 'object',
  properties: {
    id: { type: 'string', example: 't-1' },
    isBlocked: { type: 'boolean' },
    hasPassword: { type: 'boolean', description: 'false: it connects with a certificate' },
    publish: FILTERS('publish'),
    subscribe: FILTERS('subscribe'),
    lastSeen: { ...TIME, description: 'Reported by the gateway once a minute; null: never' },
    failedLogins: { type: 'integer', description: 'Since it was registered' },
    lastFailure: TIME,
    certificateEnds: { ...TIME, description: 'Of the certificate that it presented last; null: none' },
  },
};

export const DEVICES: Schema = {
  type: 'object',
  properties: {
    devices: { type: 'array', items: DEVICE },
    total: { type: 'integer', description: 'Of all pages' },
    next: { type: 'string', nullable: true, description: '`after` of the next page; null: this is the last one' },
  },
};

const MADE: Schema = {
  type: 'string',
  nullable: true,
  description: 'The password that was made: in this response, and nowhere else. null: none was',
};

export const NEW_DEVICE: Schema = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', example: 't-1', description: '1 to 128 letters, digits, dots, underscores and hyphens' },
    password: { type: 'string', nullable: true, description: 'Left out: one is made. null: it has a certificate' },
    publish: FILTERS('publish'),
    subscribe: FILTERS('subscribe'),
  },
};

export const ADDED: Schema = { type: 'object', properties: { device: DEVICE, password: MADE } };

export const CHANGES: Schema = {
  type: 'object',
  properties: {
    isBlocked: { type: 'boolean', description: 'true: its connections end at once, also those by certificate' },
    publish: FILTERS('publish'),
    subscribe: FILTERS('subscribe'),
  },
};

export const PASSWORD: Schema = { type: 'object', properties: { password: MADE } };

export const LIST: Schema = {
  type: 'array',
  items: {
    type: 'object',
    required: ['id'],
    properties: {
      id: { type: 'string' },
      password: { type: 'string' },
      publish: FILTERS('publish'),
      subscribe: FILTERS('subscribe'),
    },
  },
};

export const IMPORT_EVENT: Schema = {
  type: 'object',
  properties: {
    kind: { type: 'string', enum: ['progress', 'end', 'failed'] },
    stored: { type: 'integer' },
    of: { type: 'integer' },
    made: {
      type: 'array',
      items: { type: 'object', properties: { id: { type: 'string' }, password: { type: 'string' } } },
      description: 'The passwords that were made since the last line: here, and nowhere else',
    },
    imported: { type: 'integer' },
    broken: { type: 'array', items: { type: 'string', example: 'line 3: id: expected …' } },
    message: { type: 'string', description: 'Of a failure' },
  },
};
