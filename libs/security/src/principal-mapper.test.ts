import { PrincipalMapper } from './principal-mapper.ts';

const DN = 'CN=truck-7,OU=fleet,O=Haulage AB,C=SE';
const nameBy = (rules?: string): string | undefined => new PrincipalMapper(rules).nameOf(DN);

test('without rules a certificate is its distinguished name', () => {
  expect(nameBy()).toBe(DN);
  expect(nameBy('DEFAULT')).toBe(DN);
});

test('a rule takes a part of the name', () => {
  expect(nameBy('RULE:^CN=(.*?),.*$/$1/')).toBe('truck-7');
  expect(nameBy('RULE:^CN=(.*?),OU=(.*?),O=(.*?),.*$/$1@$3/L')).toBe('truck-7@haulage ab');
  expect(nameBy('RULE:^CN=(.*?),.*$/$1/U')).toBe('TRUCK-7');
});

test('the first rule that fits decides', () => {
  expect(nameBy('RULE:^CN=(.*?),OU=office,.*$/$1/, RULE:^CN=(.*?),OU=fleet,.*$/fleet-$1/L, DEFAULT')).toBe(
    'fleet-truck-7',
  );
  expect(nameBy('RULE:^CN=(.*?),OU=office,.*$/$1/, DEFAULT')).toBe(DN);
});

test('a name that no rule fits is nobody', () => {
  expect(nameBy('RULE:^CN=(.*?),OU=office,.*$/$1/')).toBeUndefined();
});

test('a reference to a group that is not there stands for itself, and so do the digits behind one that is', () => {
  expect(nameBy('RULE:^CN=(.*?),.*$/$1-$3/')).toBe('truck-7-$3');
  expect(nameBy('RULE:^CN=(.*?),.*$/$12/')).toBe('truck-72');
});

test.each(['RULE:^CN=(.*?),.*$', 'RULE:a/b/X', 'default', 'RULE:a/b/ RULE:c/d/'])('%s is refused', (rules) => {
  expect(() => new PrincipalMapper(rules)).toThrow('is no rule: expected DEFAULT or RULE:pattern/replacement/[LU]');
});

test('a pattern that cannot be compiled is refused with its reason', () => {
  expect(() => new PrincipalMapper('RULE:(a/b/')).toThrow('"(a" is no pattern: ');
});
