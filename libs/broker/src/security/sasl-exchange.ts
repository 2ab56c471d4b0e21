// One SASL exchange with a client: tokens in, tokens out, until the client is known or refused.
import {
  parseClientFirst,
  parsePlain,
  type Principal,
  SaslRefused,
  ScramExchange,
  userPrincipal,
} from '@milepost/security';
import type { ScramMechanism } from '@milepost/security';
import type { Credentials } from './credentials.ts';
import type { PasswordMechanism } from './security-settings.ts';

export interface SaslStep {
  readonly response: Buffer;
  /** The exchange is complete. */
  readonly proved?: Proved;
  /** The exchange has failed, for this reason; the client sends one more message before it receives the error. */
  readonly refusal?: string;
}

/** Who the client is. */
export interface Proved {
  readonly principal: Principal;
  /** When what it has shown ends, in ms since 1970; absent: never. */
  readonly expiresAtMs?: number;
}

export interface SaslExchange {
  /** @throws SaslRefused */
  take(token: Buffer): Promise<SaslStep>;
}

export const newExchange = (mechanism: PasswordMechanism, credentials: Credentials): SaslExchange =>
  mechanism === 'PLAIN' ? new PlainExchange(credentials) : new ScramLogin(mechanism, credentials);

class PlainExchange implements SaslExchange {
  readonly #credentials: Credentials;

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  async take(token: Buffer): Promise<SaslStep> {
    const { username, password } = parsePlain(token);
    if (!(await this.#credentials.isPassword(username, password)))
      throw new SaslRefused('Authentication failed: Invalid username or password', 'for the client');
    return { response: Buffer.alloc(0), proved: { principal: userPrincipal(username) } };
  }
}

class ScramLogin implements SaslExchange {
  readonly #mechanism: ScramMechanism;
  readonly #credentials: Credentials;
  #begun: { readonly username: string; readonly exchange: ScramExchange } | undefined;

  constructor(mechanism: ScramMechanism, credentials: Credentials) {
    this.#mechanism = mechanism;
    this.#credentials = credentials;
  }

  async take(token: Buffer): Promise<SaslStep> {
    if (this.#begun) {
      const { username, exchange } = this.#begun;
      return { response: exchange.verify(token), proved: { principal: userPrincipal(username) } };
    }
    const first = parseClientFirst(token);
    const { username } = first;
    if (first.isToken) throw new SaslRefused('Delegation tokens are not supported', 'for the log');
    const credential = this.#credentials.find(this.#mechanism, username);
    const exchange = new ScramExchange(this.#mechanism, first, credential, this.#credentials.newNonce());
    this.#begun = { username, exchange };
    return { response: exchange.challenge };
  }
}
