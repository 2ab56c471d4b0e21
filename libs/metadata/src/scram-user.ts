// A user's SCRAM credentials (KIP-554): all that is stored of a password. Bytes are base64, so that an image survives JSON.

export type ScramMechanismName = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

export interface StoredScramCredential {
  readonly salt: string;
  readonly iterations: number;
  readonly storedKey: string;
  readonly serverKey: string;
}

/** By mechanism; a stored user has at least one. */
export type ScramCredentials = Readonly<Partial<Record<ScramMechanismName, StoredScramCredential>>>;
