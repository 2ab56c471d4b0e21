// One SASL exchange with a client: tokens in, tokens out, until the client is known or refused.
import { parseClientFirst, parsePlain, SaslRefused, ScramExchange, userPrincipal } from '@milepost/security';
import type { ScramMechanism } from '@milepost/security';
import type { Credentials } from './credentials.ts';
import type { Proved } from './proved.ts';
import type { PasswordMechanism } from './security-settings.ts';

export interface SaslStep {
  readonly response: Buffer;
  /** The exchange is complete. */
  readonly proved?: Proved;
  /** The exchange has failed, for this reason; the client sends one more message before it receives the error. */
  readonly refusal?: string;
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
  #begun: { readonly proved: Proved; readonly exchange: ScramExchange } | undefined;

  constructor(mechanism: ScramMechanism, credentials: Credentials) {
    this.#mechanism = mechanism;
    this.#credentials = credentials;
  }

  async take(token: Buffer): Promise<SaslStep> {
    if (this.#begun) {
      const { proved, exchange } = this.#begun;
      return { response: exchange.verify(token), proved };
    }
    const first = parseClientFirst(token);
    const { credential, proved } = first.isToken
      ? this.#credentials.ofToken(this.#mechanism, first.username)
      : this.#credentials.ofUser(this.#mechanism, first.username);
    const exchange = new ScramExchange(this.#mechanism, first, credential, this.#credentials.newNonce());
    this.#begun = { proved, exchange };
    return { response: exchange.challenge };
  }
}
