// Who the client of one connection is, and the requests that it may send before that is known; after Kafka's
// SaslServerAuthenticator.
//
// On a listener with SASL the requests come in this order: ApiVersions at most once, SaslHandshake, then the tokens of the
// exchange. Any other request closes the connection. A later SaslHandshake begins a re-authentication (KIP-368), which keeps
// the mechanism and the principal. On a listener without SASL a client is who its certificate
// says, or ANONYMOUS.
import { ErrorCode } from '@milepost/core';
import { ANONYMOUS, type Principal, principalName, SaslRefused } from '@milepost/security';
import { ApiVersions, SaslAuthenticate, SaslHandshake } from '@milepost/wire';
import type { Sasl } from './sasl.ts';
import type { Proved } from './proved.ts';
import type { SaslExchange } from './sasl-exchange.ts';
import type { SaslMechanism } from './security-settings.ts';

/** A client that authenticates again more often than this is not served (KafkaChannel). */
const LEAST_BETWEEN_REAUTHENTICATIONS_MS = 1_000;

type State = 'new' | 'versions-known' | 'exchanging' | 'open' | 'refused';

const ADMITTED: Readonly<Record<Exclude<State, 'open'>, readonly number[]>> = {
  new: [ApiVersions.key, SaslHandshake.key],
  'versions-known': [SaslHandshake.key],
  exchanging: [SaslAuthenticate.key],
  refused: [],
};

/** The result of a token. `refused`: the connection is closed after that is sent. */
export type TokenOutcome =
  | { readonly response: Buffer; readonly sessionLifetimeMs: number }
  | { readonly refused: string };

export class ClientSession {
  principal: Principal;
  readonly #sasl: Sasl | undefined;
  readonly #client: string;
  #state: State;
  #isByToken = false;
  #mechanism: SaslMechanism | undefined;
  #exchange: SaslExchange | undefined;
  /** Tokens come in SaslAuthenticate, not as bare frames. */
  #isFramed = false;
  /** While the client authenticates again: why this cannot succeed, or ''. */
  #reauthentication: { readonly problem: string } | undefined;
  #hasFailed = false;
  #reauthenticatedAt = Number.NEGATIVE_INFINITY;
  /** On the monotonic clock. */
  #expiresAt = Number.POSITIVE_INFINITY;

  /** `sasl` undefined: the listener does not authenticate its clients. */
  constructor(sasl: Sasl | undefined, client: string, principal = ANONYMOUS) {
    this.principal = principal;
    this.#sasl = sasl;
    this.#client = client;
    this.#state = sasl ? 'new' : 'open';
  }

  /** The client has logged in by a delegation token. */
  get isByToken(): boolean {
    return this.#isByToken;
  }

  /** Whether any API may be used. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whether it was open once: it may be authenticating again. */
  get hasLoggedIn(): boolean {
    return this.isOpen || this.#reauthentication !== undefined;
  }

  /** The largest request until then. */
  get maxReceiveBytes(): number {
    return this.#sasl?.settings.maxReceiveBytes ?? Number.POSITIVE_INFINITY;
  }

  /** The next frame is a token, without a header. */
  get expectsBareToken(): boolean {
    return this.#state === 'exchanging' && !this.#isFramed;
  }

  get mechanisms(): readonly SaslMechanism[] {
    return this.#sasl?.settings.mechanisms ?? [];
  }

  /** False: the connection is to be closed instead. */
  admits(apiKey: number): boolean {
    if (this.#state !== 'open') return ADMITTED[this.#state].includes(apiKey);
    if (!this.#sasl || apiKey === SaslHandshake.key || this.#sasl.clock.monotonic() <= this.#expiresAt) return true;
    this.#sasl.expired(this.#client);
    return false;
  }

  /** The client has received the versions of the APIs. */
  versionsSent(): void {
    if (this.#state === 'new') this.#state = 'versions-known';
  }

  /** UNSUPPORTED_SASL_MECHANISM: the connection is closed after that is sent. */
  async handshake(mechanism: string, version: number): Promise<ErrorCode> {
    const sasl = this.#sasl;
    if (!sasl || (this.#state === 'open' && !this.#beginReauthentication(sasl, mechanism)))
      return ErrorCode.ILLEGAL_SASL_STATE;
    if (version >= 1) this.#isFramed = true;
    this.#exchange = sasl.begin(mechanism);
    if (this.#exchange) {
      this.#mechanism ??= mechanism as SaslMechanism;
      this.#state = 'exchanging';
      return ErrorCode.NONE;
    }
    this.#state = 'refused';
    const beganAt = sasl.clock.monotonic();
    const reason = 'its SASL mechanism is not enabled';
    await sasl.failed(this.#attempt, mechanism, { client: this.#client, reason, beganAt });
    return ErrorCode.UNSUPPORTED_SASL_MECHANISM;
  }

  /** Undefined: no exchange is under way. */
  async authenticate(token: Buffer): Promise<TokenOutcome | undefined> {
    const sasl = this.#sasl;
    if (this.#state !== 'exchanging' || !this.#exchange || !sasl) return undefined;
    const beganAt = sasl.clock.monotonic();
    try {
      if (this.#reauthentication?.problem) throw new SaslRefused(this.#reauthentication.problem, 'for the client');
      const { response, proved, refusal } = await this.#exchange.take(token);
      if (refusal !== undefined) await this.#failed(sasl, refusal, beganAt);
      return { response, sessionLifetimeMs: proved ? this.#complete(sasl, proved) : 0 };
    } catch (failure) {
      if (!(failure instanceof SaslRefused)) throw failure;
      this.#state = 'refused';
      await this.#failed(sasl, failure.message, beganAt);
      return { refused: failure.forClient ? failure.message : this.#invalidCredentials() };
    }
  }

  /** Counts and logs the failure once, however many messages the client receives about it. */
  async #failed(sasl: Sasl, reason: string, beganAt: number): Promise<void> {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    await sasl.failed(this.#attempt, this.#mechanism ?? '', { client: this.#client, reason, beganAt });
  }

  get #attempt(): 'authentication' | 'reauthentication' {
    return this.#reauthentication ? 'reauthentication' : 'authentication';
  }

  /** A wrong mechanism is refused at the first token, as in Kafka. */
  #beginReauthentication({ clock }: Sasl, mechanism: string): boolean {
    const now = clock.monotonic();
    if (now - this.#reauthenticatedAt < LEAST_BETWEEN_REAUTHENTICATIONS_MS) return false;
    this.#reauthenticatedAt = now;
    const isSame = mechanism === this.#mechanism;
    const problem = `SASL mechanism '${mechanism}' requested by client is not supported for re-authentication of mechanism '${this.#mechanism}'`;
    this.#reauthentication = { problem: isSame ? '' : problem };
    return true;
  }

  /** Returns the session's lifetime; 0: it has no end. */
  #complete(sasl: Sasl, { principal, expiresAtMs, isByToken = false }: Proved): number {
    if (this.#reauthentication && principalName(principal) !== principalName(this.principal))
      throw new SaslRefused(
        `Cannot change principals during re-authentication from ${dotted(this.principal)}: ${dotted(principal)}`,
        'for the client',
      );
    sasl.succeeded(this.#attempt, this.#mechanism as SaslMechanism);
    const { clock, settings } = sasl;
    const limitMs = settings.maxReauthMs > 0 ? settings.maxReauthMs : Number.POSITIVE_INFINITY;
    const leftMs = expiresAtMs === undefined ? Number.POSITIVE_INFINITY : Math.max(0, expiresAtMs - clock.now());
    const lifetimeMs = Math.floor(Math.min(limitMs, leftMs));
    this.#reauthentication = undefined;
    this.#exchange = undefined;
    this.principal = principal;
    this.#isByToken = isByToken;
    this.#state = 'open';
    this.#expiresAt = clock.monotonic() + lifetimeMs;
    return Number.isFinite(lifetimeMs) ? lifetimeMs : 0;
  }

  /** The same for each reason: it must not say whether the user exists. */
  #invalidCredentials(): string {
    const attempt = this.#reauthentication ? 're-authentication' : 'authentication';
    return `Authentication failed during ${attempt} due to invalid credentials with SASL mechanism ${this.#mechanism}`;
  }
}

const dotted = ({ type, name }: Principal): string => `${type}.${name}`;
