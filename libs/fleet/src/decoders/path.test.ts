import { ANY, eachAt, firstAt, parsePath } from './path.ts';

test.each<[string, boolean, readonly unknown[]]>([
  ['a', false, ['a']],
  ['a.b-c.d_e', false, ['a', 'b-c', 'd_e']],
  ['points[0].lat', false, ['points', '0', 'lat']],
  ['[1]', false, ['1']],
  ['["a.b"].c', false, ['a.b', 'c']],
  ['$.a', true, ['a']],
  ['$[0]', true, ['0']],
  ['a[*].b', false, ['a', ANY, 'b']],
  ['*.b', false, [ANY, 'b']],
  ['state.reported.239', false, ['state', 'reported', '239']],
])('%s is a path', (text, isFromRoot, steps) => {
  expect(parsePath(text)).toEqual({ isFromRoot, steps });
});

test.each([
  '',
  'a..b',
  'a.',
  '.a',
  'a b',
  'a[',
  'a[x]',
  'a[-1]',
  'a[?(@.b)]',
  '..a',
  'a[0]b',
  'a'.repeat(300),
  'a.'.repeat(20) + 'a',
])('%j is none', (text) => {
  expect(parsePath(text)).toBeUndefined();
});

test('the first path with a value counts, and null is none', () => {
  const paths = ['a', 'b.c', 'd'].map((text) => parsePath(text) as NonNullable<ReturnType<typeof parsePath>>);
  expect(firstAt({ a: null, b: { c: 0 }, d: 1 }, {}, paths)).toEqual({ holder: { c: 0 }, key: 'c' });
  expect(firstAt({ b: 'text' }, {}, paths)).toBeUndefined();
});

test('[*] is every element, in order, of lists and of objects', () => {
  const each = parsePath('a[*].b[*]') as NonNullable<ReturnType<typeof parsePath>>;
  expect(eachAt({ a: { x: { b: [{ n: 1 }, 7] }, y: 'none', z: { b: [{ n: 2 }] } } }, each)).toEqual([
    { n: 1 },
    { n: 2 },
  ]);
});
