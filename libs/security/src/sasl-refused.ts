/**
 * An authentication that did not succeed. A message `forClient` is sent as it is. Any other is for the log alone: it could
 * say whether a user exists, and the client receives the same text for every reason.
 */
export class SaslRefused extends Error {
  override readonly name = 'SaslRefused';
  readonly forClient: boolean;

  constructor(message: string, forClient: 'for the client' | 'for the log') {
    super(message);
    this.forClient = forClient === 'for the client';
  }
}
