// Reads the fixed headers of one connection's packets, so that a packet that announces too much is detected by its
// first bytes: the parser behind it would buffer all of it first.
//
//   fixed header:  type and flags u8 | remaining length, 7 bits a byte, least significant first, at most 4 bytes

const MORE = 0x80;
const MAX_LENGTH_BYTES = 4;

export class PacketGuard {
  readonly #maxPacketBytes: number;
  /** Of the packet whose fixed header comes next. */
  #limitBytes: number;
  /** Of the current packet. */
  #bodyLeft = 0;
  #isInLength = false;
  #length = 0;
  #lengthBytes = 0;

  /** `firstPacketBytes`: the limit of CONNECT, which anybody can send. */
  constructor(maxPacketBytes: number, firstPacketBytes = maxPacketBytes) {
    this.#maxPacketBytes = maxPacketBytes;
    this.#limitBytes = firstPacketBytes;
  }

  /** So many bytes complete the current packet; 0 between two; undefined within a fixed header. */
  get unfinishedBytes(): number | undefined {
    return this.#isInLength ? undefined : this.#bodyLeft;
  }

  /** False: a packet in it announces more than the limit; nothing of the connection may be read from here on. */
  admits(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#bodyLeft > 0) {
        const passing = Math.min(this.#bodyLeft, chunk.length - at);
        this.#bodyLeft -= passing;
        at += passing;
      } else if (!this.#isInLength) {
        this.#isInLength = true;
        this.#length = 0;
        this.#lengthBytes = 0;
        at++;
      } else {
        const byte = chunk[at++] as number;
        this.#length += (byte & ~MORE) * 2 ** (7 * this.#lengthBytes++);
        const isLast = (byte & MORE) === 0 || this.#lengthBytes === MAX_LENGTH_BYTES; // a fifth is the parser's error
        if (!isLast) continue;
        this.#isInLength = false;
        this.#bodyLeft = this.#length;
        if (1 + this.#lengthBytes + this.#length > this.#limitBytes) return false;
        this.#limitBytes = this.#maxPacketBytes;
      }
    }
    return true;
  }
}
