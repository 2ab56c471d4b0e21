import { type ConnectionLimits, ConnectionQuotas, readOverrides } from './connection-quotas.ts';

function given(limits: Partial<ConnectionLimits>) {
  const all = { total: 1e9, perIp: 1e9, perIpOverrides: new Map(), ...limits };
  return { quotas: new ConnectionQuotas(() => all), all };
}

test('the total is limited, and one more enters when one has left', () => {
  const { quotas } = given({ total: 2 });
  expect([quotas.enter('a'), quotas.enter('b'), quotas.enter('c')]).toEqual([
    undefined,
    undefined,
    'max.connections=2',
  ]);
  quotas.left('a');
  expect(quotas.enter('c')).toBeUndefined();
  expect(quotas.total).toBe(2);
});

test('each address is limited, and some have their own limit', () => {
  const { quotas } = given({ perIp: 1, perIpOverrides: new Map([['b', 2]]) });
  expect(['a', 'a', 'b', 'b', 'b', 'c'].map((host) => quotas.enter(host))).toEqual([
    undefined,
    'max.connections.per.ip=1',
    undefined,
    undefined,
    'max.connections.per.ip=2',
    undefined,
  ]);
  quotas.left('a');
  expect(quotas.enter('a')).toBeUndefined();
});

test('a lowered limit refuses the next connection', () => {
  const { quotas, all } = given({ total: 5 });
  quotas.enter('a');
  quotas.enter('a');
  all.total = 1;
  expect(quotas.enter('a')).toBe('max.connections=1');
});

test('overrides are a list of address:limit', () => {
  expect(readOverrides(['127.0.0.1:200', '::1:3', '[fe80::1]:4'])).toEqual(
    new Map([
      ['127.0.0.1', 200],
      ['::1', 3],
      ['fe80::1', 4],
    ]),
  );
  expect(readOverrides(['127.0.0.1', ''])).toEqual(new Map());
});
