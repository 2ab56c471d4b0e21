// The same work for many items, a few at a time.

/**
 * Resolves when all items are done. After a failure no other item begins, pending ones end, then the first failure is
 * thrown.
 */
export async function severalAtOnce<Item>(
  limit: number,
  items: Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const todo = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const lane = async (): Promise<void> => {
    while (failures.length === 0) {
      const next = todo.next();
      if (next.done === true) return;
      await work(next.value).catch((failure: unknown) => failures.push(failure));
    }
  };
  await Promise.all(Array.from({ length: limit }, lane));
  if (failures.length > 0) throw failures[0];
}
