// When two schemas are the same one, and so have the same id: type, text and references are equal. The layout of JSON does not
// count, the order of its members does.
import { createHash } from 'node:crypto';
import type { SchemaType } from '@milepost/serdes';
import type { Schema } from './store.ts';

/** 64 hexadecimal digits. */
export function fingerprintOf({ type, text, references }: Schema): string {
  const named = references.map(({ name, subject, version }) => [name, subject, version]);
  return createHash('sha256')
    .update(JSON.stringify([type, text, named]))
    .digest('hex');
}

/** The text as it is stored. Numbers have the schema's own digits: only white space outside of strings goes. */
export function canonicalText(type: SchemaType, text: string): string {
  if (type === 'PROTOBUF') return text.trim().replaceAll('\r\n', '\n');
  const parts = text.trim().split(/("(?:[^"\\]|\\.)*")/);
  return parts.map((part, index) => (index % 2 === 0 ? part.replace(/\s+/g, '') : part)).join('');
}
