// The fields of a document that the canonical position does not know. They are carried on with it, in the order of the
// document, as long as their JSON fits; the rest is counted, so that its loss is visible.

/** A position is a few hundred bytes; what rides along must not outgrow it by much. */
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

  /** `3 more fields`, where some did not fit. */
  get overflow(): string | undefined {
    return this.#left === 0 ? undefined : `${this.#left} more fields`;
  }
}
