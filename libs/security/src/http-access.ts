// Users of the HTTP port: their roles, their sessions, and tokens for scripts. The password of a user is the SCRAM credential of the
// same name (decision 44); a session and a token are random secrets, of which only a hash is stored.
import { createHash } from 'node:crypto';
import type { Random } from '@milepost/core';
import type { ScramCredential } from './scram.ts';
import type { ScramMechanism } from './scram-functions.ts';
import { unpredictable } from './unpredictable.ts';

/** Each may do what those before it may. viewer: reads; operator: changes trucks and rules; admin: changes users. */
export const ROLES = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof ROLES)[number];

export const isRole = (text: unknown): text is Role => ROLES.includes(text as Role);
export const includesRole = (role: Role, needed: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(needed);

export interface HttpUser {
  readonly name: string;
  readonly role: Role;
  /** The password was given by somebody else: nothing but changing it is allowed. */
  readonly mustChangePassword: boolean;
}

export interface HttpSession extends HttpUser {
  readonly hash: string;
  /** An identity provider has authenticated the user, who has no password here. */
  readonly fromProvider?: true;
}

/** Whom an identity provider has authenticated. No such user is stored: name and role are those of the session. */
export type ProviderUser = Pick<HttpUser, 'name' | 'role'>;

export interface HttpToken {
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Date;
  /** null: never. */
  readonly expiresAt: Date | null;
}

export interface HttpUserWithPassword extends HttpUser {
  readonly credentials: Readonly<Partial<Record<ScramMechanism, ScramCredential>>>;
}

/** The port for users, sessions and tokens. Whatever it reads is what is stored at that moment. */
export interface HttpAccessStore {
  /** Undefined: no such user, one without a password, or one without a role here. */
  user(name: string): Promise<HttpUserWithPassword | undefined>;
  /** For decoys: see decoyCredential. */
  decoySecret(): Promise<Buffer>;
  users(): Promise<readonly HttpUser[]>;
  setUser(user: HttpUser): Promise<void>;
  /** Its sessions end. False: there was none. */
  removeUser(name: string): Promise<boolean>;

  addSession(hash: string, username: string): Promise<void>;
  addProviderSession(hash: string, user: ProviderUser): Promise<void>;
  /** Those that are valid now: of a user that exists, with the password that the session began with; or of a provider's user. */
  sessions(hashes: readonly string[]): Promise<readonly HttpSession[]>;
  endSession(hash: string): Promise<void>;

  tokens(): Promise<readonly HttpToken[]>;
  /** False: the name is taken. */
  addToken(hash: string, token: HttpToken): Promise<boolean>;
  /** Undefined: no such token, or one that has expired. */
  token(hash: string): Promise<HttpToken | undefined>;
  removeToken(name: string): Promise<boolean>;
}

/** The names of users and tokens: printable everywhere, also as a principal in an ACL. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
export const isUserName = (text: string): boolean => NAME.test(text);
export const NAME_RULE = '1 to 64 of A-Z a-z 0-9 . _ @ -, the first a letter or digit';

export const SHORTEST_PASSWORD = 10;

const TOKEN_PREFIX = 'milepost_';

export const newSessionSecret = (random: Pick<Random, 'uuid'>): string =>
  Buffer.from(unpredictable(random), 'hex').toString('base64url');

/** Its prefix lets scanners of source code recognize a token that was committed by mistake. */
export const newToken = (random: Pick<Random, 'uuid'>): string => TOKEN_PREFIX + newSessionSecret(random);

/** Without salt and iterations: the secret is random and too long to be guessed. */
export const secretHash = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
