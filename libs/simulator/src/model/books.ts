// A map that creates missing values.

/** A value for each key, created on first use. */
export class Books<Key, Value> extends Map<Key, Value> {
  readonly #make: (key: Key) => Value;
  constructor(make: (key: Key) => Value) {
    super();
    this.#make = make;
  }
  of(key: Key): Value {
    let value = this.get(key);
    if (value === undefined) {
      value = this.#make(key);
      this.set(key, value);
    }
    return value;
  }
}
