// What a registry stores, and the port to it. All rules are in registry.ts: a store only holds rows. Changes happen one after
// another, each in a transaction of its own, in which a new schema gets its id: two registries on one store never give one
// id to two schemas.
import type { SchemaType } from '@milepost/serdes';

export interface SchemaReference {
  /** What the schema calls it. */
  readonly name: string;
  readonly subject: string;
  readonly version: number;
}

export interface Schema {
  readonly type: SchemaType;
  readonly text: string;
  readonly references: readonly SchemaReference[];
}

export interface StoredSchema extends Schema {
  readonly id: number;
}

/** A schema may be a version of several subjects. */
export interface SubjectVersion {
  readonly subject: string;
  readonly version: number;
  readonly schemaId: number;
  /** Soft deleted: it is not listed, but values with its id can be read. */
  readonly isDeleted: boolean;
}

export const COMPATIBILITY_LEVELS = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const;
export type CompatibilityLevel = (typeof COMPATIBILITY_LEVELS)[number];

export const MODES = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'] as const;
export type Mode = (typeof MODES)[number];

export interface Scope {
  readonly compatibility?: CompatibilityLevel | undefined;
  readonly mode?: Mode | undefined;
}

/** The name of the scope of all subjects; no subject is called so. */
export const GLOBAL = '';

export interface RegistryReader {
  schema(id: number): Promise<StoredSchema | undefined>;
  /** The id of an equal schema. */
  idOf(schema: Schema): Promise<number | undefined>;
  /** In the order of their names; deleted versions count. */
  subjects(): Promise<readonly { readonly subject: string; readonly hasLive: boolean }[]>;
  /** Ascending, deleted ones included. */
  versions(subject: string): Promise<readonly SubjectVersion[]>;
  versionsOf(schemaId: number): Promise<readonly SubjectVersion[]>;
  /** The ids of the schemas that refer to a version. */
  referencedBy(subject: string, version: number): Promise<readonly number[]>;
  scope(name: string): Promise<Scope>;
  /** The largest id that was ever given. */
  maxId(): Promise<number>;
}

export interface RegistryWriter extends RegistryReader {
  /** Returns the new id: `id` if it is given, else one that was never given before. */
  addSchema(schema: Schema, id?: number): Promise<number>;
  addVersion(version: Omit<SubjectVersion, 'isDeleted'>): Promise<void>;
  softDelete(subject: string, versions: readonly number[]): Promise<void>;
  /** With the schemas that are no version of any subject afterwards. */
  hardDelete(subject: string, versions: readonly number[]): Promise<void>;
  /** An absent property is removed. */
  setScope(name: string, scope: Scope): Promise<void>;
}

/** Each call has its own consistent view. Rejects if the store does not respond; then nothing is known of a change. */
export interface RegistryStore {
  read<T>(work: (reader: RegistryReader) => Promise<T>): Promise<T>;
  /** `work` may be repeated; if it throws, nothing has changed. */
  change<T>(work: (writer: RegistryWriter) => Promise<T>): Promise<T>;
}
