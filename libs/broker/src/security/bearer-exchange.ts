// The exchange of OAUTHBEARER (RFC 7628, KIP-255): the client sends a token that its issuer has signed.
//
// A refused client receives the status as JSON. It sends one more message, and with the response to that it is refused, as in
// Kafka. The reason is for the log.
import { type JwtVerifier, parseBearer, SaslRefused, userPrincipal } from '@milepost/security';
import type { SaslExchange, SaslStep } from './sasl-exchange.ts';

const INVALID_TOKEN = '{"status":"invalid_token"}';

export class BearerExchange implements SaslExchange {
  readonly #verifier: JwtVerifier;
  #isRefused = false;

  constructor(verifier: JwtVerifier) {
    this.#verifier = verifier;
  }

  async take(message: Buffer): Promise<SaslStep> {
    if (this.#isRefused) throw new SaslRefused(INVALID_TOKEN, 'for the client');
    const { token, authorizationId } = parseBearer(message);
    const verified = await this.#verifier.verify(token);
    if (verified.kind === 'unavailable') throw new SaslRefused(verified.reason, 'for the log');
    if (verified.kind === 'refused') {
      this.#isRefused = true;
      return { response: Buffer.from(INVALID_TOKEN), refusal: verified.reason };
    }
    const { subject, expiresAtMs } = verified;
    if (authorizationId !== '' && authorizationId !== subject)
      throw new SaslRefused(
        `Authentication failed: Client requested an authorization id (${authorizationId}) that is different from the token's principal name (${subject})`,
        'for the client',
      );
    return { response: Buffer.alloc(0), proved: { principal: userPrincipal(subject), expiresAtMs } };
  }
}
