import { place, type Run } from './late-history.ts';

/** Places `+5` (it held at 5) and `-7` one after the other; those that are new. */
function placed(...points: readonly string[]): { readonly runs: readonly Run[]; readonly fresh: readonly string[] } {
  let runs: readonly Run[] = [];
  const fresh = points.filter((point) => {
    const outcome = place(runs, Number(point.slice(1)) * 10, point.startsWith('+'));
    runs = outcome.runs;
    return outcome.isNew;
  });
  return { runs, fresh };
}

test.each<[readonly string[], readonly string[]]>([
  [
    ['-1', '+2', '+3', '-4', '+5'],
    ['-1', '+2', '-4', '+5'],
  ],
  [
    ['-1', '-5', '+3', '+2', '+4'],
    ['-1', '+3'],
  ],
  [
    ['+1', '+5', '-3'],
    ['+1', '-3'],
  ],
  [
    ['-1', '+2', '+2', '-1'],
    ['-1', '+2'],
  ],
  [
    ['+5', '-9', '+4', '+3'],
    ['+5', '-9'],
  ],
  [
    ['-5', '+9', '-1'],
    ['-5', '+9'],
  ],
])('of %j these are in no known run: %j', (points, expected) => {
  expect(placed(...points).fresh).toEqual(expected);
});

test('a run grows until the condition no longer holds, and an interruption splits it', () => {
  expect(placed('+1', '-2', '+3', '+9', '-8').runs.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
    [10, 10],
    [20, 20],
    [30, 30],
    [80, 80],
    [90, 90],
  ]);
});

test('the oldest runs are dropped, and what is older than the others is not judged', () => {
  const points = Array.from({ length: 100 }, (_, n) => `${n % 2 === 0 ? '+' : '-'}${n + 10}`);
  expect(placed(...points).runs).toHaveLength(32);
  expect(placed(...points, '+1').fresh).not.toContain('+1');
});
