// The fields of a document without a canonical name. They are passed on with the position, in the order of the
// document, while their JSON fits; the rest is counted, so that its loss is visible.

/** A position is a few hundred bytes; additional fields must not exceed it by much. */
const MAX_BYTES = 1024;

export class Others {
  #fields: Record<string, unknown> | undefined;
  #bytes = 0;
  #left = 0;

  add(name: string, value: unknown): void {
    if (value === undefined || value === null) return;
    const sizeBytes = Buffer.byteLength(JSON.stringify(value)) + Buffer.byteLength(name) + 4;
    if (this.#bytes + sizeBytes > MAX_BYTES) {
      this.#left++;
      return;
    }
    this.#bytes += sizeBytes;
    this.#fields ??= {};
    Object.defineProperty(this.#fields, name, { value, enumerable: true }); // also for a name such as `__proto__`
  }

  get fields(): Readonly<Record<string, unknown>> | undefined {
    return this.#fields;
  }

  /** `3 more fields`, if some did not fit. */
  get overflow(): string | undefined {
    return this.#left === 0 ? undefined : `${this.#left} more fields`;
  }
}
