// Converts any text of Kafka to a text for PostgreSQL, which cannot contain U+0000.

/** One to one; a text without U+0000 and backslashes is unchanged. */
export const toText = (text: string): string =>
  /[\0\\]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0') : text;

export const fromText = (text: string): string =>
  text.includes('\\') ? text.replace(/\\(.)/g, (_, one: string) => (one === '0' ? '\0' : one)) : text;
