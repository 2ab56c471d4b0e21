// Requests byte by byte, for content that no encoder would write.

/** Header without its tagged fields, then the body as hex: a flexible version's tags are the body's first byte. */
export function request(apiKey: number, version: number, body: string, client = 'raw'): Buffer {
  const head = Buffer.alloc(10);
  head.writeInt16BE(apiKey, 0);
  head.writeInt16BE(version, 2);
  head.writeInt32BE(7, 4);
  head.writeInt16BE(client.length, 8);
  return Buffer.concat([head, Buffer.from(client), Buffer.from(body.replaceAll(' ', ''), 'hex')]);
}
