// Reads whole PUBLISH packets straight from the bytes of a connection. Devices send hardly anything else, and the
// library's parser takes ten times as long: it reads every byte of a header from a list of buffers. All other packets
// go to that parser, in order, and so does a PUBLISH that is cut by the end of a chunk, has properties or is malformed.
//
//   PUBLISH:  0x30 | dup 8 | qos << 1 | retain 1   remaining length, 7 bits a byte, least significant first
//             topic u16 + UTF-8   packet id u16, if qos > 0   MQTT 5: length of the properties   payload
import type { ClientReader } from './link.ts';

const PUBLISH = 3;
const MORE = 0x80;
const MAX_LENGTH_BYTES = 4;

/** As the library's parser emits it. */
interface PublishPacket {
  readonly cmd: 'publish';
  readonly retain: boolean;
  readonly qos: number;
  readonly dup: boolean;
  readonly length: number;
  readonly topic: string;
  readonly payload: Buffer;
  messageId?: number;
}

type Parser = Pick<ClientReader['_parser'], 'emit' | 'error' | 'parse' | 'settings'>;

export class PublishReader {
  readonly #parser: Parser;
  readonly #parse: Parser['parse'];
  /** A device has one topic: it is decoded once. */
  #topic = '';
  #topicBytes = Buffer.alloc(0);

  constructor(parser: Parser) {
    this.#parser = parser;
    this.#parse = parser.parse.bind(parser);
  }

  /**
   * Emits the packets of the chunk. `unfinishedBytes`: so many of its first bytes complete a packet that the parser has
   * begun; undefined: it is not known how many.
   */
  parse(chunk: Buffer, unfinishedBytes: number | undefined): void {
    if (unfinishedBytes === undefined || unfinishedBytes >= chunk.length) {
      this.#parse(chunk);
      return;
    }
    if (unfinishedBytes > 0) {
      this.#parse(chunk.subarray(0, unfinishedBytes));
      if (this.#parser.error) return;
    }
    let at = unfinishedBytes;
    while (at < chunk.length) {
      const end = this.#read(chunk, at);
      if (end === undefined) break;
      at = end;
    }
    if (at < chunk.length) this.#parse(chunk.subarray(at));
  }

  /** Emits the packet at a position. Returns its end; undefined if the packet is one for the parser. */
  #read(chunk: Buffer, start: number): number | undefined {
    const flags = chunk[start] as number;
    const qos = (flags >> 1) & 3;
    if (flags >> 4 !== PUBLISH || qos === 3) return undefined;
    let at = start + 1;
    let length = 0;
    for (let count = 0; ; count++) {
      const byte = chunk[at++];
      if (byte === undefined || count === MAX_LENGTH_BYTES) return undefined;
      length += (byte & ~MORE) * 2 ** (7 * count);
      if (byte < MORE) break;
    }
    const end = at + length;
    if (end > chunk.length || length < 2) return undefined;
    const topicAt = at + 2;
    at = topicAt + chunk.readUInt16BE(at);
    const isMqtt5 = this.#parser.settings.protocolVersion === 5;
    if (at + (qos > 0 ? 2 : 0) + (isMqtt5 ? 1 : 0) > end) return undefined;
    const topicEnd = at;
    const messageId = qos > 0 ? chunk.readUInt16BE(at) : undefined;
    if (messageId !== undefined) at += 2;
    if (isMqtt5 && chunk[at++] !== 0) return undefined;
    const packet: PublishPacket = {
      cmd: 'publish',
      retain: (flags & 1) !== 0,
      qos,
      dup: (flags & 8) !== 0,
      length,
      topic: this.#topicOf(chunk, topicAt, topicEnd),
      payload: chunk.subarray(at, end),
    };
    if (messageId !== undefined) packet.messageId = messageId;
    this.#parser.emit('packet', packet);
    return end;
  }

  #topicOf(chunk: Buffer, start: number, end: number): string {
    const known = this.#topicBytes;
    const isKnown = known.length === end - start && known.compare(chunk, start, end) === 0;
    if (isKnown) return this.#topic;
    this.#topicBytes = Buffer.from(chunk.subarray(start, end));
    this.#topic = this.#topicBytes.toString();
    return this.#topic;
  }
}
