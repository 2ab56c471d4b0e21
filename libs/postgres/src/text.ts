// Any text of Kafka's as a text of PostgreSQL's, which cannot hold U+0000.

/** One to one; what holds neither U+0000 nor a backslash stays as it is. */
export const toText = (text: string): string =>
  /[\0\\]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('\0', '\\0') : text;

export const fromText = (text: string): string =>
  text.includes('\\') ? text.replace(/\\(.)/g, (_, one: string) => (one === '0' ? '\0' : one)) : text;
