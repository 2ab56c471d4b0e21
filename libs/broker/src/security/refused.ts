/** A property that does not fit; the message names it, and what was expected. */
export class SecuritySettingsRefused extends Error {
  override readonly name = 'SecuritySettingsRefused';
}
