// Request bodies: a wrong one is a 400 that names what was expected. Values may be secrets, and are never repeated.
import { BadRequestException } from '@nestjs/common';
import { HttpUserRefused } from '../../../chassis/src/index.ts';

export function textIn(body: unknown, name: string): string {
  const value = fieldOf(body, name);
  if (typeof value !== 'string') throw new BadRequestException(`${name}: expected a text in a JSON object`);
  return value;
}

export const optionalTextIn = (body: unknown, name: string): string | undefined =>
  fieldOf(body, name) === undefined ? undefined : textIn(body, name);

const fieldOf = (body: unknown, name: string): unknown =>
  typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;

/** A wish that cannot be fulfilled is the user's mistake. */
export function refused(failure: unknown): never {
  throw failure instanceof HttpUserRefused ? new BadRequestException(failure.message) : failure;
}
