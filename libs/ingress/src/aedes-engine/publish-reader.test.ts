// Its judge is the library's parser: both read the same bytes, cut in the same places, and must emit the same packets.
import { parser as libraryParser, type Packet, type Parser } from 'mqtt-packet';
import { SimRandom } from '@milepost/simulator';
import { PacketGuard } from './packet-guard.ts';
import { PublishReader } from './publish-reader.ts';

type Version = 4 | 5;

/** What a parser emits for the chunks; an error ends it, as it ends a connection. */
function emitted(version: Version, chunks: readonly Buffer[], wrap: (parser: Parser) => (chunk: Buffer) => void) {
  const parser = libraryParser({ protocolVersion: version });
  const seen: unknown[] = [];
  parser.on('packet', (packet: Packet) => seen.push({ ...packet }));
  let isOver = false;
  parser.on('error', (error: Error) => {
    isOver = true;
    seen.push(error.message);
  });
  const parse = wrap(parser);
  for (const chunk of chunks) if (!isOver) parse(chunk);
  return seen;
}

const byLibrary = (parser: Parser) => (chunk: Buffer) => void parser.parse(chunk);

function byReader(parser: Parser): (chunk: Buffer) => void {
  const guard = new PacketGuard(1_000_000);
  const reader = new PublishReader(parser as never);
  return (chunk) => {
    const { unfinishedBytes } = guard;
    if (guard.admits(chunk)) reader.parse(chunk, unfinishedBytes);
  };
}

function publish({ flags = 0, topic = 'trucks/t1/gps', id = 7, properties = '', payload = 'x', version = 4 }): Buffer {
  const qos = (flags >> 1) & 3;
  const topicBytes = Buffer.from(topic);
  const body = Buffer.concat([
    Buffer.from([topicBytes.length >> 8, topicBytes.length & 255]),
    topicBytes,
    Buffer.from(qos > 0 ? [id >> 8, id & 255] : []),
    version === 5
      ? Buffer.concat([Buffer.from([properties.length / 2]), Buffer.from(properties, 'hex')])
      : Buffer.alloc(0),
    Buffer.from(payload),
  ]);
  return Buffer.concat([Buffer.from([0x30 | flags]), lengthOf(body), body]);
}

function lengthOf(body: Buffer): Buffer {
  const bytes: number[] = [];
  for (let left = body.length; bytes.length === 0 || left > 0; left >>= 7)
    bytes.push((left & 127) | (left > 127 ? 128 : 0));
  return Buffer.from(bytes);
}

const PINGREQ = Buffer.from([0xc0, 0]);
const PUBREL = Buffer.from([0x62, 2, 0, 9]);

test('a PUBLISH of every kind is what the parser of the library makes of it', () => {
  for (const version of [4, 5] as const) {
    const all = [
      ...[0, 1, 2, 3, 4, 5, 8, 10, 13].map((flags) => publish({ flags, version })),
      publish({ payload: '', version }),
      publish({ topic: '', version }),
      publish({ topic: 'trücks/µ/gps', flags: 2, id: 65_535, version }),
      publish({ payload: 'y'.repeat(300), version }),
      publish({ payload: 'z'.repeat(20_000), flags: 2, version }),
      publish({ flags: 2, version, ...(version === 5 ? { properties: '0101' } : {}) }), // payload is UTF-8
      PINGREQ,
      publish({ version }),
      PUBREL,
    ];
    const chunks = [Buffer.concat(all)];
    const seen = emitted(version, chunks, byReader);
    expect(seen).toEqual(emitted(version, chunks, byLibrary));
    expect(seen).toHaveLength(all.length);
  }
});

test('a malformed PUBLISH is the error that the parser of the library makes of it', () => {
  const malformed = [
    Buffer.from([0x36, 4, 0, 1, 0x74, 0]), // QoS 3
    Buffer.from([0x30, 1, 0]), // no room for a topic
    Buffer.from([0x30, 3, 0, 9, 0x74]), // a topic beyond the end of the packet
    Buffer.from([0x32, 4, 0, 1, 0x74, 1]), // half a packet id
  ];
  for (const bytes of malformed) {
    const chunks = [Buffer.concat([publish({}), bytes, publish({})])];
    expect(emitted(4, chunks, byReader)).toEqual(emitted(4, chunks, byLibrary));
  }
});

test('500 streams of packets, cut anywhere, give the packets that the parser of the library finds in them', () => {
  for (let seed = 0; seed < 500; seed++) {
    const random = new SimRandom(seed);
    const version = random.below(2) === 0 ? 4 : 5;
    const packets = Array.from({ length: 1 + random.below(12) }, () => {
      const kind = random.below(8);
      if (kind === 0) return PINGREQ;
      if (kind === 1) return PUBREL;
      const topic = `trucks/${'t'.repeat(random.below(3))}/gps`;
      const properties = version === 5 && kind === 2 ? '0101' : '';
      return publish({
        flags: random.below(6),
        topic,
        id: random.below(3),
        payload: 'p'.repeat(random.below(200)),
        properties,
        version,
      });
    });
    const stream = Buffer.concat(packets);
    if (random.below(4) === 0) stream[random.below(stream.length)] = random.below(256);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const size = 1 + random.below(random.below(3) === 0 ? 4 : 400);
      chunks.push(stream.subarray(at, at + size));
      at += size;
    }
    expect({ seed, seen: emitted(version, chunks, byReader) }).toEqual({
      seed,
      seen: emitted(version, chunks, byLibrary),
    });
  }
});
