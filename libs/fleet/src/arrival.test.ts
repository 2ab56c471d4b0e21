import { type ArrivalsSoFar, arrivalOf, believedTime, CLOCK_SET_BACK_AFTER_MS } from './index.ts';

const noon = Date.UTC(2026, 0, 1, 12);
const day = 86_400_000;

/** Which of the positions, taken and received at these times after noon, is the newest when it arrives. */
function newest(...positions: readonly (readonly [takenMs: number, receivedMs: number])[]): boolean[] {
  let before: ArrivalsSoFar | undefined;
  return positions.map(([takenMs, receivedMs]) => {
    const { isNewest, soFar } = arrivalOf(new Date(noon + takenMs).toISOString(), noon + receivedMs, before);
    before = soFar;
    return isNewest;
  });
}

test('a position that was taken before the newest one is late, whenever it arrives', () => {
  expect(newest([0, 0], [30_000, 31_000], [10_000, 32_000], [29_999, 60_000], [30_001, 900_001])).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});

test('a wall clock that is set makes no position late that arrived later', () => {
  for (const jumpMs of [day, -day, 3_650 * day]) {
    // A device without a clock, then one whose clock is right.
    expect(newest([0, 0], [jumpMs, jumpMs], [2_000, 2_000], [3_000, 3_000])).toEqual([true, true, true, true]);
    expect(newest([0, 0], [1_000, jumpMs], [2_000, 2_000], [3_000, 3_000])).toEqual([true, true, true, true]);
  }
});

test('a wall clock that is set makes no stored position the newest', () => {
  expect(newest([day, day], [0, 0], [-600_000, 1_000])).toEqual([true, true, false]);
  expect(newest([0, 0], [day, day], [-600_000, 1_000])).toEqual([true, true, false]);
});

test('when only older positions have arrived for a minute, the device has set its clock back', () => {
  const hour = 3_600_000;
  const back = Array.from({ length: 62 }, (_, n) => [n * 1_000 - hour, n * 1_000] as const).slice(1);
  const answers = newest([0, 0], ...back);
  expect(answers.slice(0, 61)).toEqual([true, ...Array.from({ length: 60 }, () => false)]);
  expect(answers.at(-1)).toBe(true);
  expect(back.at(-1)?.[1]).toBe(CLOCK_SET_BACK_AFTER_MS + 1_000);
});

test.each([
  ['eight years ago', noon - 8 * 365 * day],
  ['six weeks ago', noon - 42 * day],
  ['in an hour', noon + 3_600_000],
  ['in 2080', Date.UTC(2080, 1)],
])('a clock that says %s is not believed: the receive time counts', (_, tsMs) => {
  expect(believedTime(new Date(tsMs).toISOString(), noon)).toEqual({ timeMs: noon, isClockWrong: true });
});

test('a position that was stored for weeks is believed', () => {
  const timeMs = noon - 30 * day;
  expect(believedTime(new Date(timeMs).toISOString(), noon)).toEqual({ timeMs, isClockWrong: false });
});
