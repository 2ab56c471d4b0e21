// Sign-in by an identity provider (OpenID Connect): where it is, as which client we ask it, and what its roles are here.
import { z } from 'zod';
import { setting, text, type Value } from './row.ts';

type Role = 'viewer' | 'operator' | 'admin';

/** Of `fleet-admins=admin,dispatch=operator`. Undefined: it cannot be read so. */
function parseRolesByName(text: string): ReadonlyMap<string, Role> | undefined {
  const roles = new Map<string, Role>();
  for (const pair of text.split(',')) {
    const [, name, role] = /^\s*(\S.*?)\s*=\s*(viewer|operator|admin)\s*$/.exec(pair) ?? [];
    if (name === undefined) return undefined;
    roles.set(name, role as Role);
  }
  return roles;
}

const CALLBACK = '/api/session/oidc/callback';

export const oidcTable = {
  oidcIssuer: setting({
    variable: 'MILEPOST_OIDC_ISSUER',
    schema: text.regex(/^https?:\/\/[^/\s]\S*$/),
    expected: 'a URL with https: or http:',
    meaning:
      'The identity provider (OpenID Connect) by which users may sign in at the map, as its tokens name it; /.well-known/openid-configuration ' +
      'is below it. Users of `milepost users` remain. Unset: there is none.',
  }),
  oidcClientId: setting({
    variable: 'MILEPOST_OIDC_CLIENT_ID',
    schema: text,
    expected: 'the id of a client',
    meaning: 'The client that is registered for us at the provider.',
  }),
  oidcClientSecret: setting({
    variable: 'MILEPOST_OIDC_CLIENT_SECRET',
    schema: text,
    expected: 'a secret',
    meaning:
      'Its secret; or MILEPOST_OIDC_CLIENT_SECRET_FILE. Unset: it is a public client, which PKCE alone protects.',
    isSecret: true,
  }),
  oidcClientSecretFile: setting({
    variable: 'MILEPOST_OIDC_CLIENT_SECRET_FILE',
    schema: text,
    expected: 'a file',
    meaning: 'File with that secret and nothing else; a line break at its end is ignored.',
  }),
  oidcRedirectUrl: setting({
    variable: 'MILEPOST_OIDC_REDIRECT_URL',
    schema: z.string().refine((value) => URL.canParse(value) && new URL(value).pathname.endsWith(CALLBACK)),
    expected: `the address of the map with ${CALLBACK}`,
    meaning: `Where the provider sends browsers back: the address of the map as they know it, with ${CALLBACK}. It is registered there too.`,
  }),
  oidcRolesClaim: setting({
    variable: 'MILEPOST_OIDC_ROLES_CLAIM',
    schema: text,
    expected: 'the name of a claim, or a path with dots',
    fallback: 'roles',
    meaning: "The claim with the user's roles or groups, such as groups or realm_access.roles.",
  }),
  oidcRoles: setting({
    variable: 'MILEPOST_OIDC_ROLES',
    schema: z.string().transform((value, context) => {
      const roles = parseRolesByName(value);
      if (roles) return roles;
      context.addIssue({ code: 'custom', message: 'not such a list' });
      return z.NEVER;
    }),
    expected: 'name=role, several separated by commas; the roles are viewer, operator and admin',
    fallback: 'viewer=viewer,operator=operator,admin=admin',
    meaning: 'Which of those names stands for which role here. A user without one of them is not let in.',
  }),
  oidcUsernameClaim: setting({
    variable: 'MILEPOST_OIDC_USERNAME_CLAIM',
    schema: text,
    expected: 'the name of a claim',
    fallback: 'preferred_username',
    meaning: 'The claim with the name by which the user is shown; a user without one has the subject (sub).',
  }),
} as const;

export type OidcSettings = { readonly [Name in keyof typeof oidcTable]: Value<(typeof oidcTable)[Name]> };

interface Related {
  readonly httpAuthentication: 'none' | 'required';
}

/** Settings that do not fit together, a line for each. */
export function oidcMistakes(settings: OidcSettings & Related): string[] {
  const { oidcIssuer, oidcClientId, oidcClientSecret, oidcClientSecretFile, oidcRedirectUrl } = settings;
  const needed = { MILEPOST_OIDC_CLIENT_ID: oidcClientId, MILEPOST_OIDC_REDIRECT_URL: oidcRedirectUrl };
  if (oidcIssuer === undefined)
    return Object.entries({ ...needed, MILEPOST_OIDC_CLIENT_SECRET: oidcClientSecret ?? oidcClientSecretFile })
      .filter(([, value]) => value !== undefined)
      .map(([variable]) => `${variable}: is for MILEPOST_OIDC_ISSUER, and there is none`);
  const mistakes = Object.entries(needed)
    .filter(([, value]) => value === undefined)
    .map(([variable]) => `${variable}: expected it with MILEPOST_OIDC_ISSUER, got none`);
  if (oidcClientSecret !== undefined && oidcClientSecretFile !== undefined)
    mistakes.push('MILEPOST_OIDC_CLIENT_SECRET: expected it or MILEPOST_OIDC_CLIENT_SECRET_FILE, got both');
  if (settings.httpAuthentication === 'none')
    mistakes.push('MILEPOST_OIDC_ISSUER: is for MILEPOST_HTTP_AUTHENTICATION=required, which is none: nobody signs in');
  return mistakes;
}
