// Compiles a shape at one version into straight-line code: a function that reads and one that writes. Generated,
// because closures over the shape cost 1.6 to 2.1 times as much. The program is made only of our own declarations
// (field names, numbers): no input from a wire is ever part of it.
//
// Reading ends in a value or in MalformedMessage. It allocates for existing items, never for an announced count. A
// value that cannot be written (a missing field, null where the version has no null) is the caller's bug: TypeError.
import { type ByteReader, ByteWriter, MalformedMessage } from '@milepost/core';
import { type AnyField, fallbackOf, isDefault, type Plain, type Shape } from './field.ts';

export interface Codec<Out, In = Out> {
  read(reader: ByteReader): Out;
  write(writer: ByteWriter, value: In): void;
  /** The generated program, for tests and debugging. */
  readonly source: string;
}

export interface Form {
  /** `Produce request`: the start of error messages. */
  readonly name: string;
  readonly version: number;
  /** Compact lengths and tagged sections (KIP-482). */
  readonly flexible: boolean;
  /** Refuse to write a value that would be lost because the version lacks its field, or that would be cut. */
  readonly strict: boolean;
}

export function compile<Out, In>(shape: Shape, form: Form): Codec<Out, In> {
  const emitter = new Emitter(form);
  const source = emitter.program(shape);
  // oxlint-disable-next-line typescript/no-implied-eval -- see the header of this file
  const build = new Function('fallbacks', 'support', source) as (
    fallbacks: readonly unknown[],
    support: unknown,
  ) => Omit<Codec<Out, In>, 'source'>;
  return { ...build(emitter.fallbacks, support), source };
}

const MAX_STRING_BYTES = 0x7fff;

/** The text may have come over a wire: invalid UTF-8 becomes three times as long when it is decoded. */
export class TextTooLong extends TypeError {
  override readonly name = 'TextTooLong';
}

/** In all arrays of one message together. An item takes two bytes in a frame and a hundred as an object. */
const MAX_ITEMS = 1_000_000;

/** The functions that generated programs call. */
const support = {
  ByteWriter,
  MalformedMessage,
  isDefault,
  MAX_ITEMS,
  tooMany(where: string): never {
    throw new MalformedMessage(`${where}more than ${MAX_ITEMS} items in one message`);
  },
  compactString(reader: ByteReader, length: number, where: string): string {
    if (length > MAX_STRING_BYTES)
      throw new MalformedMessage(`${where}a string of ${length} bytes, at most ${MAX_STRING_BYTES} are allowed`);
    return reader.utf8(length);
  },
  writeString(writer: ByteWriter, value: string, compact: boolean, where: string): void {
    const size = Buffer.byteLength(value);
    if (size > MAX_STRING_BYTES)
      throw new TextTooLong(`${where}a string of ${size} bytes, at most ${MAX_STRING_BYTES} are allowed`);
    support.putString(writer, value, size, compact);
  },
  /**
   * A response that quotes the longest name in a sentence, or bytes that were no UTF-8, is longer than the quoted text.
   */
  writeCutString(writer: ByteWriter, value: string, compact: boolean): void {
    const size = Buffer.byteLength(value);
    if (size <= MAX_STRING_BYTES) support.putString(writer, value, size, compact);
    else {
      const cut = beginning(value, MAX_STRING_BYTES);
      support.putString(writer, cut, Buffer.byteLength(cut), compact);
    }
  },
  putString(writer: ByteWriter, value: string, size: number, compact: boolean): void {
    if (compact) writer.uvarint(size + 1);
    else writer.int16(size);
    writer.utf8(value, size);
  },
};

/** As many whole characters as fit into the limit. */
function beginning(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text);
  let end = limitBytes;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

class Emitter {
  readonly fallbacks: unknown[] = [];
  readonly #form: Form;
  #names = 0;

  constructor(form: Form) {
    this.#form = form;
  }

  program(shape: Shape): string {
    const { name, version } = this.#form;
    const { code, value } = this.#readStruct(shape, '');
    return `'use strict';
const { ByteWriter, MalformedMessage, MAX_ITEMS, isDefault, tooMany, compactString, writeString, writeCutString } = support;
return {
read(r) {
let allowed = MAX_ITEMS;
${code}
return ${value};
},
write(w, value) {
${this.#writeStruct(shape, 'value', '')}
},
};
//# sourceURL=milepost-wire/${name.replaceAll(' ', '-')}-v${version}.js`;
  }

  // Reading

  #readStruct(shape: Shape, path: string): { code: string; value: string } {
    const lines: string[] = [];
    const properties: string[] = [];
    const tagged: string[] = [];
    for (const [name, field] of Object.entries(shape)) {
      const variable = this.#fresh(name);
      const where = `${path}${name}`;
      properties.push(`${name}: ${variable}`);
      if (!this.#exists(field)) {
        lines.push(`const ${variable} = ${this.#fallback(field)};`);
      } else if (field.rules.tag >= 0) {
        lines.push(`let ${variable} = ${this.#fallback(field)};`);
        tagged.push(`case ${field.rules.tag}: { ${this.#readInto(field, variable, where)} break; }`);
      } else {
        lines.push(`let ${variable}; ${this.#readInto(field, variable, where)}`);
      }
    }
    if (this.#form.flexible) lines.push(this.#readTagged(tagged, path));
    return { code: lines.join('\n'), value: `{ ${properties.join(', ')} }` };
  }

  /** A known tag must fill exactly its announced size; an unknown one is skipped. */
  #readTagged(cases: readonly string[], path: string): string {
    const [left, tag, end] = [this.#fresh('left'), this.#fresh('tag'), this.#fresh('end')];
    const known =
      cases.length === 0 ? '' : `switch (${tag}) { ${cases.join('\n')} default: r.skip(${end} - r.position); }`;
    return `for (let ${left} = r.uvarint(); ${left} > 0; ${left}--) {
const ${tag} = r.uvarint(); let ${end} = r.uvarint(); ${end} += r.position;
${known || `r.skip(${end} - r.position);`}
if (r.position !== ${end}) throw new MalformedMessage(\`${this.#where(path)}tag \${${tag}} should end at \${${end}}, ended at \${r.position}\`);
}`;
  }

  #readInto(field: AnyField, target: string, where: string): string {
    const { kind } = field;
    switch (kind.type) {
      case 'string':
        return this.#readSized(field, 16, where, target, (size) =>
          this.#form.flexible
            ? `${target} = compactString(r, ${size}, '${this.#where(where)}');`
            : `${target} = r.utf8(${size});`,
        );
      case 'bytes':
        return this.#readSized(field, 32, where, target, (size) => `${target} = r.slice(${size});`);
      case 'array':
        return this.#readSized(field, 32, where, target, (size) => {
          const [left, item] = [this.#fresh('left'), this.#fresh('item')];
          const least = Math.max(1, this.#leastBytes(kind.item));
          return `${target} = []; let ${left} = r.count(${size}, ${least});
allowed -= ${left}; if (allowed < 0) tooMany('${this.#where(where)}');
for (; ${left} > 0; ${left}--) { let ${item}; ${this.#readInto(kind.item, item, `${where}.`)} ${target}.push(${item}); }`;
        });
      case 'struct': {
        const { code, value } = this.#readStruct(kind.shape, where.endsWith('.') ? where : `${where}.`);
        const body = `{ ${code}\n${target} = ${value}; }`;
        return this.#isNullable(field) ? `if (r.int8() < 0) ${target} = null; else ${body}` : body;
      }
      default:
        return `${target} = r.${kind.type}();`;
    }
  }

  #readSized(field: AnyField, bits: 16 | 32, where: string, target: string, then: (size: string) => string): string {
    const size = this.#fresh('size');
    const absent = this.#isNullable(field)
      ? `${target} = null;`
      : `throw new MalformedMessage('${this.#where(where)}null, which this version does not allow');`;
    const length = this.#form.flexible ? 'r.uvarint() - 1' : `r.int${bits}()`;
    return `const ${size} = ${length}; if (${size} < 0) ${absent} else { ${then(size)} }`;
  }

  /** The minimum size of a value: bounds a count by the remaining bytes. */
  #leastBytes(field: AnyField): number {
    const { kind } = field;
    switch (kind.type) {
      case 'string':
        return this.#form.flexible ? 1 : 2;
      case 'bytes':
      case 'array':
        return this.#form.flexible ? 1 : 4;
      case 'struct':
        if (this.#isNullable(field)) return 1;
        return Object.values(kind.shape)
          .filter((inner) => this.#exists(inner) && inner.rules.tag < 0)
          .reduce((sum, inner) => sum + this.#leastBytes(inner), this.#form.flexible ? 1 : 0);
      default:
        return plainBytes[kind.type];
    }
  }

  // Writing

  #writeStruct(shape: Shape, from: string, path: string): string {
    const lines: string[] = [];
    const tagged: { field: AnyField; variable: string; where: string }[] = [];
    for (const [name, field] of Object.entries(shape)) {
      const where = `${path}${name}`;
      if (!this.#exists(field)) {
        if (this.#form.strict && !field.rules.ignorable) lines.push(this.#refuse(field, `${from}.${name}`, where));
        continue;
      }
      const variable = this.#fresh(name);
      lines.push(`let ${variable} = ${from}.${name};`);
      if (field.rules.tag >= 0) tagged.push({ field, variable, where });
      else lines.push(this.#complete(field, variable, where), this.#writeFrom(field, variable, where));
    }
    if (this.#form.flexible) lines.push(this.#writeTagged(tagged));
    return lines.join('\n');
  }

  #refuse(field: AnyField, value: string, where: string): string {
    return `if (!isDefault(${value}, ${this.#fallback(field)})) throw new TypeError('${this.#where(where)}not in this version, and the value would be lost');`;
  }

  /** The types require it, unless some other version lacks it; here it is required in any case. */
  #complete(field: AnyField, variable: string, where: string): string {
    const otherwise =
      field.rules.fallback === undefined
        ? `throw new TypeError('${this.#where(where)}required in this version');`
        : `${variable} = ${this.#fallback(field)};`;
    return `if (${variable} === undefined) ${otherwise}`;
  }

  #writeTagged(tagged: readonly { field: AnyField; variable: string; where: string }[]): string {
    const said = tagged.map(({ field, variable }) => {
      const name = this.#fresh('said');
      return { name, line: `const ${name} = !isDefault(${variable}, ${this.#fallback(field)});` };
    });
    const bodies = tagged.map(({ field, variable, where }, index) => {
      const body = this.#fresh('body');
      return `if (${said[index]?.name}) { const ${body} = new ByteWriter(64); { const w = ${body}; ${this.#writeFrom(field, variable, where)} }
w.uvarint(${field.rules.tag}); w.uvarint(${body}.position); w.raw(${body}.finish()); }`;
    });
    const count = said.map(({ name }) => `(${name} ? 1 : 0)`).join(' + ') || '0';
    return [...said.map(({ line }) => line), `w.uvarint(${count});`, ...bodies].join('\n');
  }

  #writeFrom(field: AnyField, from: string, where: string): string {
    const { kind } = field;
    const { flexible } = this.#form;
    const length = flexible ? `w.uvarint(${from}.length + 1);` : `w.int32(${from}.length);`;
    switch (kind.type) {
      case 'string':
        return this.#orNull(
          field,
          from,
          where,
          16,
          this.#form.strict
            ? `writeString(w, ${from}, ${flexible}, '${this.#where(where)}');`
            : `writeCutString(w, ${from}, ${flexible});`,
        );
      case 'bytes':
        return this.#orNull(field, from, where, 32, `${length} w.raw(${from});`);
      case 'array': {
        const item = this.#fresh('item');
        const each = `for (const ${item} of ${from}) { ${this.#writeFrom(kind.item, item, `${where}.`)} }`;
        return this.#orNull(field, from, where, 32, `${length} ${each}`);
      }
      case 'struct': {
        const body = this.#writeStruct(kind.shape, from, where.endsWith('.') ? where : `${where}.`);
        if (!this.#isNullable(field)) return `{ ${body} }`;
        return `if (${from} === null) w.int8(-1); else { w.int8(1); ${body} }`;
      }
      default:
        return `w.${kind.type}(${from});`;
    }
  }

  #orNull(field: AnyField, from: string, where: string, bits: 16 | 32, write: string): string {
    const absent = this.#isNullable(field)
      ? this.#form.flexible
        ? 'w.uvarint(0);'
        : `w.int${bits}(-1);`
      : `throw new TypeError('${this.#where(where)}null, which this version does not allow');`;
    return `if (${from} === null) ${absent} else { ${write} }`;
  }

  #exists(field: AnyField): boolean {
    return field.rules.since <= this.#form.version && this.#form.version <= field.rules.until;
  }
  #isNullable(field: AnyField): boolean {
    return field.rules.nullableSince <= this.#form.version;
  }
  #fresh(name: string): string {
    return `${name}$${this.#names++}`;
  }
  /** `Produce request v9, topics.partitions.records: ` */
  #where(path: string): string {
    return `${this.#form.name} v${this.#form.version}, ${path.replace(/\.$/, '') || 'body'}: `;
  }
  #fallback(field: AnyField): string {
    this.fallbacks.push(fallbackOf(field));
    return `fallbacks[${this.fallbacks.length - 1}]`;
  }
}

const plainBytes: Record<Plain, number> = {
  int8: 1,
  bool: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  long: 8,
  float64: 8,
  uuid: 16,
};
