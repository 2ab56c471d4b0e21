// The client library wraps an error in several layers ("Listing topics failed."); a user needs the innermost one, where
// it happened, and the cure.
import type { KafkaAddress } from './kafka-address.ts';

/** A Kafka that cannot be used. */
export class KafkaUnusable extends Error {
  override readonly name = 'KafkaUnusable';
  /** It does not respond, and may later. Every other failure lasts until something is changed. */
  readonly isAway: boolean;

  constructor(message: string, isAway: boolean, cause: unknown) {
    super(message, { cause });
    this.isAway = isAway;
  }
}

/** All messages, from the outside in, each once. */
export function reasonsOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [String(error)];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [...new Set([error.message, ...[error.cause, ...inner].filter(Boolean).flatMap(reasonsOf)])];
}

/** The broker's own names for what it refused, such as TOPIC_ALREADY_EXISTS, and Node's, such as ECONNREFUSED. */
export function codesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const { apiId, code } = error as { apiId?: string; code?: string };
  const inner = error instanceof AggregateError ? error.errors : [];
  const own = [apiId, code].filter((name) => name !== undefined);
  return [...own, ...[error.cause, ...inner].flatMap(codesOf)];
}

interface Trouble {
  readonly seen: RegExp;
  readonly cure: string;
  readonly isAway?: true;
}

/** The first one that matches a code or a message applies. */
const troubles: readonly Trouble[] = [
  {
    seen: /SASL_AUTHENTICATION_FAILED|SASL authentication failed|PLC_KFK_AUTHENTICATION.*authentication failed/i,
    cure: 'are MILEPOST_KAFKA_SASL_USERNAME and its password right?',
  },
  {
    seen: /UNSUPPORTED_SASL_MECHANISM|suitable SASL mechanism/i,
    cure: 'does that listener offer MILEPOST_KAFKA_SASL_MECHANISM?',
  },
  {
    seen: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    cure: 'renew its certificate, or set the clock of this machine',
  },
  {
    seen: /ERR_TLS_CERT_ALTNAME_INVALID/,
    cure: 'name it in MILEPOST_BOOTSTRAP_SERVERS and in its advertised.listeners as its certificate does',
  },
  {
    seen: /SELF_SIGNED_CERT|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|CERT_UNTRUSTED|INVALID_CA|CERT_SIGNATURE_FAILURE/,
    cure: 'does MILEPOST_KAFKA_SSL_CA_FILE hold the authority that signed its certificate?',
  },
  {
    seen: /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE/i,
    cure: 'are MILEPOST_KAFKA_SSL_CERT_FILE and _KEY_FILE what it asks of its clients?',
  },
  {
    seen: /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|TLS handshake failed|verify the broker supports TLS|tls.*(alert|required)|requires TLS/i,
    cure: 'is MILEPOST_KAFKA_SECURITY_PROTOCOL that of this listener?',
  },
  {
    seen: /(TOPIC|CLUSTER|GROUP|TRANSACTIONAL_ID)_AUTHORIZATION_FAILED/,
    cure: 'its user may not: deploy/README.md lists what must be allowed',
  },
  {
    seen: /ECONNREFUSED|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ECONNRESET|EPIPE|timed? ?out|Connection closed/i,
    cure: 'is it running, and are MILEPOST_BOOTSTRAP_SERVERS and MILEPOST_KAFKA_SECURITY_PROTOCOL right?',
    isAway: true,
  },
];

/** The error for a Kafka that cannot be used: where, why, and the cure. */
export function kafkaFailure({ bootstrapServers }: KafkaAddress, error: unknown): KafkaUnusable {
  const reasons = reasonsOf(error);
  const all = [...codesOf(error), ...reasons].join('\n');
  const trouble = troubles.find(({ seen }) => seen.test(all));
  const where = `Kafka at ${bootstrapServers.join(', ')}`;
  const message = `${where}: ${oneLine(reasons.at(-1) ?? '')}${trouble ? `: ${trouble.cure}` : ''}`;
  return new KafkaUnusable(message, trouble?.isAway === true, error);
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
