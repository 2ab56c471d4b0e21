// The authentication of a listener's clients: its mechanisms, its limits, and what is counted and logged of it.
import { type Counter, type Host, invariant, type ReadText } from '@milepost/core';
import { type JwtSettings, JwtVerifier } from '@milepost/security';
import { Credentials, type CredentialsDeps } from './credentials.ts';
import { BearerExchange } from './bearer-exchange.ts';
import { newExchange, type SaslExchange } from './sasl-exchange.ts';
import { isAuthenticated, type SaslMechanism, type SecuritySettings } from './security-settings.ts';

export interface SaslDeps {
  readonly host: Pick<Host, 'clock' | 'keys' | 'logger' | 'meter' | 'random'>;
  readonly settings: SecuritySettings;
  readonly image: CredentialsDeps['image'];
  readonly readText: ReadText;
  readonly delegationTokens: CredentialsDeps['tokens'];
}

type Attempt = 'authentication' | 'reauthentication';

interface Failure {
  readonly client: string;
  readonly reason: string;
  readonly beganAt: number;
}

export class Sasl {
  readonly settings: SecuritySettings;
  readonly clock: Host['clock'];
  readonly #credentials: Credentials;
  /** Undefined: OAUTHBEARER is not enabled. */
  readonly #verifier: JwtVerifier | undefined;
  readonly #logger: Host['logger'];
  readonly #succeeded: Record<Attempt, Counter>;
  readonly #failed: Record<Attempt, Counter>;
  readonly #expired: Counter;

  constructor({ host, settings, image, readText, delegationTokens }: SaslDeps) {
    const { clock, keys, logger, meter, random } = host;
    this.settings = settings;
    this.clock = clock;
    this.#logger = logger;
    this.#credentials = new Credentials({ image, keys, random, clock, tokens: delegationTokens });
    const counter = (name: string, help: string): Counter =>
      meter.counter(`kafka_server_socket_server_metrics_${name}_total`, help, ['mechanism']);
    this.#succeeded = {
      authentication: counter('successful_authentication', 'Clients that authenticated, by SASL mechanism.'),
      reauthentication: counter('successful_reauthentication', 'Sessions that were renewed (KIP-368).'),
    };
    this.#failed = {
      authentication: counter('failed_authentication', 'Failed attempts to authenticate, by SASL mechanism.'),
      reauthentication: counter('failed_reauthentication', 'Failed attempts to renew a session.'),
    };
    this.#expired = meter.counter(
      'kafka_server_socket_server_metrics_expired_connections_killed_total',
      'Connections closed because they were used after their session had expired.',
    );
    if (!isAuthenticated(settings)) return;
    this.#verifier = settings.tokens && this.#verifierOf(settings.tokens, readText);
    this.#expired.add(0);
    for (const counted of [this.#succeeded, this.#failed])
      for (const mechanism of settings.mechanisms) counted.authentication.add(0, { mechanism });
  }

  /** Undefined: the mechanism is not enabled. */
  begin(mechanism: string): SaslExchange | undefined {
    const enabled = this.settings.mechanisms.find((one) => one === mechanism);
    if (enabled !== 'OAUTHBEARER') return enabled && newExchange(enabled, this.#credentials);
    invariant(this.#verifier, () => 'OAUTHBEARER is enabled without a verifier');
    return new BearerExchange(this.#verifier);
  }

  succeeded(attempt: Attempt, mechanism: SaslMechanism): void {
    this.#succeeded[attempt].add(1, { mechanism });
  }

  /**
   * Resolves connection.failed.authentication.delay.ms after `beganAt` (on the monotonic clock): only then may the client be
   * told. A derivation in between, which depends on the user, does not show in the time.
   */
  failed(attempt: Attempt, mechanism: string, { client, reason, beganAt }: Failure): Promise<void> {
    const isEnabled = this.settings.mechanisms.some((one) => one === mechanism);
    this.#failed[attempt].add(1, { mechanism: isEnabled ? mechanism : 'other' });
    this.#logger.info({ client, ...(isEnabled && { mechanism }) }, `${attempt} failed: ${reason}`);
    const delayMs = Math.max(0, beganAt + this.settings.failedDelayMs - this.clock.monotonic());
    return new Promise((resolve) => this.clock.after(delayMs, resolve));
  }

  #verifierOf(tokens: JwtSettings, readText: ReadText): JwtVerifier {
    const property =
      tokens.audience.length === 0 ? 'sasl.oauthbearer.expected.audience' : 'sasl.oauthbearer.expected.issuer';
    if (tokens.audience.length === 0 || tokens.issuer === undefined)
      this.#logger.warn({}, `${property} is not set: tokens that are meant for others are accepted too`);
    const verifier = new JwtVerifier({ clock: this.clock, logger: this.#logger, readText }, tokens);
    void verifier.readAhead();
    return verifier;
  }

  expired(client: string): void {
    this.#expired.add();
    this.#logger.info({ client }, 'connection closed: its session has expired, and it did not authenticate again');
  }
}
