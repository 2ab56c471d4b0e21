import { MemoryBudget } from './memory-budget.ts';

const MEGABYTE = 1024 * 1024;

function given(requestBytes: number, answerBytes = 8 * MEGABYTE) {
  const budget = new MemoryBudget({ requestBytes, answerBytes });
  const woken: string[] = [];
  const wait = (name: string): void => budget.waitForRoom(() => woken.push(name));
  return { budget, woken, wait };
}

test('above the limit no client is read from, until requests are done', () => {
  const { budget, woken, wait } = given(100);
  budget.requests(99);
  expect(budget.admits(0)).toBe(true);
  budget.requests(2);
  expect(budget.admits(0)).toBe(false);
  wait('a');
  wait('b');
  budget.requests(-1);
  expect(woken).toEqual([]);
  budget.requests(-1);
  expect(woken).toEqual(['a', 'b']);
});

test('a large request counts from its announcement on, and delays only large ones', () => {
  const { budget, woken, wait } = given(10 * MEGABYTE);
  budget.announced(8 * MEGABYTE);
  expect(budget.admits(5 * MEGABYTE)).toBe(true); // the last one may exceed the limit
  budget.announced(5 * MEGABYTE);
  expect(budget.admits(2 * MEGABYTE)).toBe(false);
  expect([budget.admits(0), budget.admits(MEGABYTE)]).toEqual([true, true]);
  wait('large');
  budget.announced(-8 * MEGABYTE);
  expect(woken).toEqual(['large']);
  expect(budget.requestBytes).toBe(5 * MEGABYTE);
});

test('a cancelled waiter is not called, and -1 is no limit', () => {
  const { budget } = given(-1);
  budget.requests(1e12);
  budget.announced(1e12);
  expect(budget.admits(1e9)).toBe(true);
  const limited = given(1);
  const called: string[] = [];
  const goOn = (): void => void called.push('a');
  limited.budget.requests(5);
  limited.budget.waitForRoom(goOn);
  limited.budget.leave(goOn);
  limited.budget.requests(-5);
  expect(called).toEqual([]);
});

test('the more is held for clients that do not read, the less is read, and the sum stays below the limit', () => {
  const { budget } = given(-1, 8 * MEGABYTE);
  expect(budget.readableBytes).toBe(MEGABYTE);
  for (let stalled = 0; stalled < 10_000; stalled++) budget.answers(budget.readableBytes);
  expect(budget.answerBytes).toBeLessThanOrEqual(8 * MEGABYTE);
  expect(budget.answerBytes).toBeGreaterThan(7.9 * MEGABYTE);
  budget.answers(MEGABYTE);
  expect(budget.readableBytes).toBe(0);
  budget.answers(-budget.answerBytes);
  expect(budget.readableBytes).toBe(MEGABYTE);
});
