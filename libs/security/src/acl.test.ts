import {
  type Acl,
  type AclFilter,
  AclOperation,
  matchesFilter,
  PatternType,
  PermissionType,
  ResourceType,
} from './acl.ts';

const acl: Acl = {
  resourceType: ResourceType.TOPIC,
  resourceName: 'truck_',
  patternType: PatternType.PREFIXED,
  principal: 'User:alice',
  host: '*',
  operation: AclOperation.READ,
  permission: PermissionType.ALLOW,
};
const everything: AclFilter = {
  resourceType: ResourceType.ANY,
  resourceName: null,
  patternType: PatternType.ANY,
  principal: null,
  host: null,
  operation: AclOperation.ANY,
  permission: PermissionType.ANY,
};
const matches = (given: Partial<AclFilter>, of: Partial<Acl> = {}): boolean =>
  matchesFilter({ ...acl, ...of }, { ...everything, ...given });

test('each part of a filter narrows it', () => {
  expect(matches({})).toBe(true);
  expect(matches({ resourceType: ResourceType.GROUP })).toBe(false);
  expect(matches({ principal: 'User:bob' })).toBe(false);
  expect(matches({ host: '10.0.0.1' })).toBe(false);
  expect(matches({ operation: AclOperation.WRITE })).toBe(false);
  expect(matches({ permission: PermissionType.DENY })).toBe(false);
});

test('a name with type ANY or that of the ACL is the name of the pattern', () => {
  expect(matches({ resourceName: 'truck_' })).toBe(true);
  expect(matches({ resourceName: 'truck_', patternType: PatternType.PREFIXED })).toBe(true);
  expect(matches({ resourceName: 'truck_', patternType: PatternType.LITERAL })).toBe(false);
  expect(matches({ resourceName: 'truck_gps' })).toBe(false);
});

test('a name with type MATCH is a resource that the ACL applies to', () => {
  const patternType = PatternType.MATCH;
  expect(matches({ resourceName: 'truck_gps', patternType })).toBe(true);
  expect(matches({ resourceName: 'bus_gps', patternType })).toBe(false);
  const literal = { patternType: PatternType.LITERAL, resourceName: '*' };
  expect(matches({ resourceName: 'bus_gps', patternType }, literal)).toBe(true);
});
