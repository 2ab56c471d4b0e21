// The promises of every Random.
import type { Random } from '../ports.ts';

export function randomContract(name: string, make: () => Random): void {
  describe(`${name} is a Random`, () => {
    test('numbers below a limit are whole and cover all of it', () => {
      const random = make();
      const seen = new Set(Array.from({ length: 2000 }, () => random.below(10)));
      expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(random.below(1)).toBe(0);
      const large = Array.from({ length: 200 }, () => random.below(2 ** 48));
      expect(large.every((n) => Number.isInteger(n) && n >= 0 && n < 2 ** 48)).toBe(true);
      expect(Math.max(...large)).toBeGreaterThan(2 ** 40);
    });

    test('a chance is true about as often as its probability', () => {
      const random = make();
      const share = (probability: number) =>
        Array.from({ length: 4000 }, () => random.chance(probability)).filter(Boolean).length / 4000;
      expect(share(0)).toBe(0);
      expect(share(1)).toBe(1);
      expect(Math.abs(share(0.25) - 0.25)).toBeLessThan(0.06);
    });

    test('a UUID is of version 4 and unique', () => {
      const random = make();
      const uuids = Array.from({ length: 1000 }, () => random.uuid());
      for (const uuid of uuids)
        expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      expect(new Set(uuids).size).toBe(1000);
    });
  });
}
