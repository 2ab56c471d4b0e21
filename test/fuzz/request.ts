// A request of any API in any version, generated from its schema. Nothing here depends on a specific API, so a new one
// is fuzzed without a change. The requests are well formed; they need not make sense.
import { type AnyApi, requestFrame } from '@milepost/wire';
import type { SimRandom } from '@milepost/simulator';
import type { AnyField, Shape } from '../../libs/wire/src/schema/field.ts';
import type { Values } from './values.ts';

export interface MadeRequest {
  readonly api: AnyApi;
  readonly version: number;
  /** With its length. */
  readonly bytes: Buffer;
}

/** The maximum of items in one array; the outermost array of a request sometimes has many more. */
const MOST_ITEMS = 3;
const MANY_ITEMS = 200;

export function makeRequest(
  apis: readonly AnyApi[],
  correlationId: number,
  { random, values }: { random: SimRandom; values: Values },
): MadeRequest {
  const api = random.pick(apis);
  const version = api.oldest + random.below(api.newest - api.oldest + 1);
  const wildness = random.pick([0, 0, 0, 0.05, 0.3]);
  const maker = new Maker(api.name, version, wildness, random, values);
  const clientId = random.pick(['fuzz', 'fuzz', '', null, '__admin_client']);
  const body = maker.shape(api.spec.request as Shape, 0);
  return { api, version, bytes: requestFrame(api, { apiVersion: version, correlationId, clientId }, body as never) };
}

class Maker {
  readonly #api: string;
  readonly #version: number;
  readonly #wildness: number;
  readonly #random: SimRandom;
  readonly #values: Values;

  constructor(api: string, version: number, wildness: number, random: SimRandom, values: Values) {
    this.#api = api;
    this.#version = version;
    this.#wildness = wildness;
    this.#random = random;
    this.#values = values;
  }

  shape(shape: Shape, depth: number): Record<string, unknown> {
    const made: Record<string, unknown> = {};
    for (const [name, field] of Object.entries(shape)) {
      const { since, until, tag } = field.rules;
      const isThere = since <= this.#version && this.#version <= until;
      if (isThere && (tag < 0 || this.#random.chance(0.5))) made[name] = this.#value(name, field, depth);
    }
    return made;
  }

  #value(name: string, field: AnyField, depth: number): unknown {
    const { kind, rules } = field;
    const isWild = this.#random.chance(this.#wildness);
    if (rules.nullableSince <= this.#version && this.#random.chance(isWild ? 0.5 : 0.15)) return null;
    switch (kind.type) {
      case 'string':
        return this.#values.string(this.#api, name, isWild);
      case 'bytes':
        return this.#values.bytes(this.#api, name, isWild);
      case 'struct':
        return this.shape(kind.shape, depth + 1);
      case 'array': {
        const isLong = depth === 0 && this.#random.chance(0.01);
        const count = isLong ? this.#random.below(MANY_ITEMS) : this.#random.below(MOST_ITEMS + 1);
        return Array.from({ length: count }, () => this.#value(name, kind.item, depth + 1));
      }
      case 'uuid':
        return this.#values.uuid(this.#api, name);
      case 'bool':
        return this.#random.chance(0.5);
      case 'int64':
        return this.#values.bigint(name, isWild);
      case 'long':
        return this.#values.long(name, isWild);
      case 'float64':
        return this.#random.pick([0, 1.5, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e300]);
      case 'int8':
        return this.#values.integer(name, 8, isWild);
      case 'int16':
        return this.#values.integer(name, 16, isWild);
      case 'uint16':
        return this.#values.integer(name, 16, isWild) & 0xffff;
      case 'uint32':
        return this.#values.integer(name, 32, isWild) >>> 0;
      default:
        return this.#values.integer(name, 32, isWild);
    }
  }
}
