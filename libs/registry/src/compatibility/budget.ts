// A bound on the work of one comparison: types that refer to each other in unions make pairs of pairs.
import { SchemaInvalid } from '@milepost/serdes';

const COMPARISONS_LIMIT = 200_000;

export class Budget {
  #left = COMPARISONS_LIMIT;

  /** @throws SchemaInvalid when it is used up. */
  spend(): void {
    if (this.#left-- <= 0)
      throw new SchemaInvalid(
        `expected schemas that ${COMPARISONS_LIMIT} comparisons of types compare, got larger ones`,
      );
  }
}
