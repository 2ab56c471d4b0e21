// Random pairs of Avro schemas: one, and what a few changes have made of it. The same seed gives the same pairs.

type Json = string | readonly Json[] | { readonly [name: string]: unknown };

/** A linear congruential generator: below(n) is a whole number under n. */
function chance(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

export function schemaPairs(count: number, seed: number): [reader: string, writer: string][] {
  const below = chance(seed);
  return Array.from({ length: count }, () => {
    const maker = new Maker(below);
    const writer = maker.type(3);
    return [JSON.stringify(maker.changed(writer)), JSON.stringify(writer)];
  });
}

class Maker {
  readonly #below: (limit: number) => number;
  #names = 0;

  constructor(below: (limit: number) => number) {
    this.#below = below;
  }

  type(depth: number): Json {
    const kind = this.#below(depth > 0 ? 13 : 8);
    if (kind < 8) return PRIMITIVES[kind] ?? 'int';
    if (kind === 8) return { type: 'array', items: this.type(depth - 1) };
    if (kind === 9) return { type: 'map', values: this.type(depth - 1) };
    if (kind === 10) return { type: 'enum', name: this.#name(), symbols: ['A', 'B', 'C'].slice(this.#below(3)) };
    if (kind === 11) return this.#union(depth);
    const fields = Array.from({ length: this.#below(4) }, (_, n) => ({ name: `f${n}`, type: this.type(depth - 1) }));
    return { type: 'record', name: this.#name(), namespace: this.#below(2) === 0 ? 'a' : 'b', fields };
  }

  /** Of different kinds. */
  #union(depth: number): Json {
    const branches = new Map<string, Json>();
    for (let n = 0; n < 3; n++) {
      const branch = this.type(depth - 1);
      if (!Array.isArray(branch)) branches.set(kindOf(branch), branch);
    }
    return [...branches.values()];
  }

  #name(): string {
    return `N${this.#names++}`;
  }

  changed(type: Json): Json {
    if (this.#below(8) === 0) return this.#below(2) === 0 ? this.type(1) : [type].flat();
    if (typeof type === 'string') return this.#below(4) === 0 ? (PRIMITIVES[this.#below(8)] ?? type) : type;
    if (Array.isArray(type)) {
      const branches = (type as readonly Json[]).map((branch) => this.#changedBranch(branch));
      return this.#below(3) === 0 ? branches.slice(1) : branches;
    }
    const fields = type as { readonly [name: string]: unknown };
    if (fields['items'] !== undefined) return { ...fields, items: this.changed(fields['items'] as Json) };
    if (fields['values'] !== undefined) return { ...fields, values: this.changed(fields['values'] as Json) };
    if (fields['symbols'] !== undefined) return this.#changedEnum(fields);
    return this.#changedRecord(fields);
  }

  /** Of the same kind: a union has no kind twice, and no union. */
  #changedBranch(branch: Json): Json {
    if (typeof branch === 'string') return branch;
    const next = this.changed(branch);
    return !Array.isArray(next) && kindOf(next) === kindOf(branch) ? next : branch;
  }

  #changedEnum(type: { readonly [name: string]: unknown }): Json {
    const symbols = this.#below(2) === 0 ? (type['symbols'] as Json[]).slice(0, 1) : ['A', 'B', 'C', 'D'];
    return { ...type, symbols, ...(this.#below(3) === 0 && { default: symbols[0] }) };
  }

  #changedRecord(type: { readonly [name: string]: unknown }): Json {
    let fields = (type['fields'] as { readonly name: string; readonly type: Json }[]).map((field) => ({
      ...field,
      type: this.changed(field.type),
    }));
    const change = this.#below(6);
    if (change === 0) fields = fields.slice(1);
    if (change === 1) fields.push({ name: 'added', type: 'int' });
    if (change === 2) fields.push({ name: 'added', type: 'int', default: 5 } as never);
    if (change === 3)
      return {
        ...type,
        name: `Renamed${this.#names++}`,
        aliases: [`${String(type['namespace'])}.${String(type['name'])}`],
        fields,
      };
    if (change === 4) return { ...type, namespace: 'elsewhere', fields };
    return { ...type, fields };
  }
}

const kindOf = (type: Json): string =>
  typeof type === 'string'
    ? type
    : String(
        (type as { readonly name?: string; readonly type: string }).name ?? (type as { readonly type: string }).type,
      );
