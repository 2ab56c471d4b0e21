// Every message that we can read and write, and the list of them by API key.
import type { AnyApi } from '../schema/api.ts';
import { ApiVersions } from './api-versions.ts';
import { Fetch } from './fetch.ts';
import { Metadata } from './metadata.ts';
import { Produce } from './produce.ts';

export * from './api-versions.ts';
export * from './fetch.ts';
export * from './metadata.ts';
export * from './produce.ts';

/** Declared, which is not yet implemented: a broker advertises what it has a handler for. */
export const apis: readonly AnyApi[] = [Produce, Fetch, Metadata, ApiVersions];

const byKey = new Map(apis.map((api) => [api.key, api]));

export const apiOf = (key: number): AnyApi | undefined => byKey.get(key);
