import { roleByClaim, type RolesByName } from './provider-roles.ts';

test('the highest role counts that one of the names stands for', () => {
  const roles = new Map([
    ['fleet-admins', 'admin'],
    ['a=b', 'operator'],
    ['everyone', 'viewer'],
  ]) as RolesByName;
  expect(roleByClaim(['everyone', 'a=b', 'others'], roles)).toBe('operator');
  expect(roleByClaim('fleet-admins', roles)).toBe('admin');
});

test.each([[undefined], [null], [[]], ['others'], ['admin'], [{ admin: true }], [[['fleet-admins']]], [7]])(
  'a claim without such a name is no role: %j',
  (claim) => {
    expect(roleByClaim(claim, new Map([['fleet-admins', 'admin']]) as RolesByName)).toBeUndefined();
  },
);
