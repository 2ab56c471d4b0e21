import { type Acl, AclOperation, PatternType, PermissionType, ResourceType } from './acl.ts';
import { Authorizer, type Client } from './authorizer.ts';

const { TOPIC, GROUP } = ResourceType;
const { READ, WRITE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS, ALL } = AclOperation;

const alice: Client = { principal: 'User:alice', host: '10.0.0.1' };
const bob: Client = { principal: 'User:bob', host: '10.0.0.2' };

const acl = (given: Partial<Acl>): Acl => ({
  resourceType: TOPIC,
  resourceName: 'truck_gps',
  patternType: PatternType.LITERAL,
  principal: 'User:alice',
  host: '*',
  operation: READ,
  permission: PermissionType.ALLOW,
  ...given,
});
const deny = (given: Partial<Acl>): Acl => acl({ permission: PermissionType.DENY, ...given });
const prefixed = (resourceName: string): Partial<Acl> => ({ resourceName, patternType: PatternType.PREFIXED });

const authorizer = (...acls: Acl[]): Authorizer =>
  new Authorizer(acls, { superUsers: new Set(['User:root']), allowIfNoAcl: false });
const mayRead = (by: Authorizer, client: Client, topic = 'truck_gps'): boolean =>
  by.isAllowed(client, READ, TOPIC, topic);

test('an ACL allows its principal, its operation and its resource, and nothing else', () => {
  const by = authorizer(acl({}));
  expect(mayRead(by, alice)).toBe(true);
  expect(mayRead(by, bob)).toBe(false);
  expect(mayRead(by, alice, 'truck_gps2')).toBe(false);
  expect(by.isAllowed(alice, WRITE, TOPIC, 'truck_gps')).toBe(false);
  expect(by.isAllowed(alice, READ, GROUP, 'truck_gps')).toBe(false);
});

test('a DENY refuses, whatever ALLOWs there are and however wide its pattern is', () => {
  expect(mayRead(authorizer(acl({}), deny({})), alice)).toBe(false);
  expect(mayRead(authorizer(acl({}), deny({ resourceName: '*' })), alice)).toBe(false);
  expect(mayRead(authorizer(acl({}), deny(prefixed('truck_'))), alice)).toBe(false);
  expect(mayRead(authorizer(acl({}), deny({ operation: ALL })), alice)).toBe(false);
  expect(mayRead(authorizer(acl({}), deny({ principal: 'User:*' })), alice)).toBe(false);
  expect(mayRead(authorizer(acl({}), deny({ operation: WRITE })), alice)).toBe(true);
});

test('a pattern is literal, a prefix or the wildcard', () => {
  expect(mayRead(authorizer(acl(prefixed('truck_'))), alice)).toBe(true);
  expect(mayRead(authorizer(acl(prefixed('truck_gps'))), alice)).toBe(true);
  expect(mayRead(authorizer(acl(prefixed('truck_gps2'))), alice)).toBe(false);
  expect(mayRead(authorizer(acl({ resourceName: 'truck_' })), alice)).toBe(false);
  expect(mayRead(authorizer(acl({ resourceName: '*' })), alice)).toBe(true);
});

test('a host is one address or all', () => {
  const by = authorizer(acl({ principal: 'User:*', host: '10.0.0.1' }));
  expect(mayRead(by, alice)).toBe(true);
  expect(mayRead(by, bob)).toBe(false);
});

test('reading and writing imply describing where they are allowed, not where they are denied', () => {
  const describes = (by: Authorizer): boolean => by.isAllowed(alice, DESCRIBE, TOPIC, 'truck_gps');
  expect(describes(authorizer(acl({ operation: WRITE })))).toBe(true);
  expect(describes(authorizer(acl({ operation: ALTER_CONFIGS })))).toBe(false);
  expect(describes(authorizer(acl({ operation: DESCRIBE }), deny({ operation: READ })))).toBe(true);
  const altering = authorizer(acl({ operation: ALTER_CONFIGS }));
  expect(altering.isAllowed(alice, DESCRIBE_CONFIGS, TOPIC, 'truck_gps')).toBe(true);
});

test('a super user may do everything', () => {
  expect(mayRead(authorizer(deny({ principal: 'User:*' })), { principal: 'User:root', host: '10.0.0.3' })).toBe(true);
});

test('allow.everyone.if.no.acl.found holds for resources without any ACL', () => {
  const by = new Authorizer([acl({})], { superUsers: new Set(), allowIfNoAcl: true });
  expect(mayRead(by, bob, 'other')).toBe(true);
  expect(mayRead(by, bob)).toBe(false);
});

describe('an operation on at least one resource of a type', () => {
  const mayWriteAny = (...acls: Acl[]): boolean => authorizer(...acls).isAllowedOnAny(alice, WRITE, TOPIC);
  const allows = acl({ operation: WRITE });

  test('one ALLOW is enough', () => {
    expect(mayWriteAny()).toBe(false);
    expect(mayWriteAny(acl({}))).toBe(false);
    expect(mayWriteAny(allows)).toBe(true);
    expect(mayWriteAny(acl({ operation: ALL, ...prefixed('truck_') }))).toBe(true);
  });

  test('a DENY counts that covers all of the ALLOW', () => {
    expect(mayWriteAny(allows, deny({ operation: WRITE }))).toBe(false);
    expect(mayWriteAny(allows, deny({ operation: WRITE, ...prefixed('truck') }))).toBe(false);
    expect(mayWriteAny(allows, deny({ operation: WRITE, resourceName: '*' }))).toBe(false);
    expect(mayWriteAny(allows, deny({ operation: WRITE, ...prefixed('truck_gps_') }))).toBe(true);
    expect(mayWriteAny(acl({ operation: WRITE, ...prefixed('truck') }), deny({ operation: WRITE }))).toBe(true);
  });
});
