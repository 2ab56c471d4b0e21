/** An authentication that did not succeed. The message goes to the client: it never says what is known of a user. */
export class SaslRefused extends Error {
  override readonly name = 'SaslRefused';
}
