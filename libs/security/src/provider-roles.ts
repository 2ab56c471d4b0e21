// The role of a user whom an identity provider knows, from a claim of the user's token: a text or a list of texts, such as the
// names of groups. The highest role counts that one of them stands for.
import { ROLES, type Role } from './http-access.ts';

export type RolesByName = ReadonlyMap<string, Role>;

/** Undefined: none of the names stands for a role. */
export function roleByClaim(claim: unknown, roles: RolesByName): Role | undefined {
  const held = new Set([claim].flat().map((name) => (typeof name === 'string' ? roles.get(name) : undefined)));
  return ROLES.findLast((role) => held.has(role));
}
