// Reads positions from records, in JSON, Avro or Protobuf, mixed as they come: the one deserializer of all consumers. The first
// byte decides: JSON is read as before, and only a zero byte, with which no JSON begins, leads to a schema.
import { Deserializer, type SchemaSource } from '@milepost/serdes';
import { isPosition, type Position, readPosition } from './position.ts';

const MAGIC = 0;

export class PositionReader {
  readonly #deserializer: Deserializer;
  readonly #refused: (reason: string) => void;

  /** `refused` is called with the reason for each record that is no position; the record is skipped. */
  constructor(schemas: SchemaSource, refused: (reason: string) => void) {
    this.#deserializer = new Deserializer(schemas);
    this.#refused = refused;
  }

  /**
   * To be called before `read`, with the records of a batch. Undefined: nothing needs to be waited for. Rejects while the
   * registry does not respond: the batch is read again later, and no record is skipped for that.
   */
  prepare(records: readonly { readonly value: Buffer | null }[]): Promise<void> | undefined {
    const framed = records.filter(({ value }) => value?.[0] === MAGIC);
    return framed.length === 0 ? undefined : this.#deserializer.prepare(framed.map(({ value }) => value));
  }

  /** Undefined if it is not a position: another program wrote it. */
  read(value: Buffer | null): Position | undefined {
    if (value === null) return undefined;
    if (value[0] === MAGIC) return this.#readBySchema(value);
    const position = readPosition(value);
    if (!position) this.#refused('expected a position in JSON');
    return position;
  }

  #readBySchema(value: Buffer): Position | undefined {
    const { value: document, refusal } = this.#deserializer.read(value, 'json');
    const position = refusal === undefined ? positionOf(document) : undefined;
    if (!position) this.#refused(refusal ?? 'expected the fields of a position');
    return position;
  }
}

/** From a value of any schema with the names of a position; null is absent, and `source` may be. */
function positionOf(document: unknown): Position | undefined {
  if (typeof document !== 'object' || document === null) return undefined;
  const fields: Record<string, unknown> = { source: '' };
  for (const [name, value] of Object.entries(document)) if (value !== null) fields[name] = value;
  if (typeof fields['other'] === 'string') fields['other'] = objectOf(fields['other']);
  if (fields['other'] === undefined) delete fields['other'];
  return isPosition(fields) ? fields : undefined;
}

function objectOf(json: string): unknown {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
