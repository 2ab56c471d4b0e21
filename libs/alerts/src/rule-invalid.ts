// A rule of a user that is not one: the field, what was expected there, and what was seen.

const SHOWN_CHARS = 80;

export class RuleInvalid extends Error {
  override readonly name = 'RuleInvalid';
  /** Such as `area.coordinates[0]`. */
  readonly field: string;
  readonly #expected: string;
  readonly #seen: unknown;

  constructor(field: string, expected: string, seen: unknown) {
    super(`${field}: expected ${expected}; saw ${shown(seen)}`);
    this.field = field;
    this.#expected = expected;
    this.#seen = seen;
  }

  /** The same mistake as seen from a larger document: `rules[2].kind`. */
  within(place: string): RuleInvalid {
    return new RuleInvalid(`${place}.${this.field}`, this.#expected, this.#seen);
  }
}

function shown(seen: unknown): string {
  const text = typeof seen === 'string' ? seen : (JSON.stringify(seen) ?? 'nothing');
  return text.length > SHOWN_CHARS ? `${text.slice(0, SHOWN_CHARS)}…` : text;
}
