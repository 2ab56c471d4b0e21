// Frames that real clients and Apache Kafka exchanged: decoded and encoded again, they must have the same bytes.
// README.md beside this file describes how they were captured and how to add one.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader, ByteWriter } from '@milepost/core';
import {
  type AnyApi,
  apis,
  readRequestHeader,
  readResponseHeader,
  writeRequestHeader,
  writeResponseHeader,
} from '@milepost/wire';

interface GoldenFrame {
  readonly api: AnyApi;
  readonly version: number;
  readonly direction: string;
  readonly bytes: Buffer;
}

const folder = import.meta.dirname;
const clients = readdirSync(folder).filter((name) => name.endsWith('.txt'));

function framesOf(client: string): GoldenFrame[] {
  const lines = readFileSync(join(folder, client), 'utf8').split('\n');
  return lines.filter((line) => line !== '' && !line.startsWith('#')).map(parse);
}

function parse(line: string): GoldenFrame {
  const [name, version, direction, hex] = line.split(' ') as [string, string, string, string];
  const api = apis.find((candidate) => candidate.name === name);
  if (!api) throw new Error(`a golden frame of ${name}, which is not declared`);
  return { api, version: Number(version), direction, bytes: Buffer.from(hex, 'hex') };
}

/** Reads a frame to its last byte and writes what was read. */
function again({ api, version, direction, bytes }: GoldenFrame): { readonly written: Buffer; readonly left: number } {
  const reader = new ByteReader(bytes);
  const writer = new ByteWriter();
  if (direction === 'request') {
    const header = readRequestHeader(reader);
    expect(header).toMatchObject({ apiKey: api.key, apiVersion: version });
    writeRequestHeader(writer, api, header);
    api.request(version).write(writer, api.request(version).read(reader));
  } else {
    writeResponseHeader(writer, api, version, readResponseHeader(reader, api, version));
    api.response(version).write(writer, api.response(version).read(reader));
  }
  return { written: writer.finish(), left: reader.remaining };
}

test.each(clients)('every frame of %s is encoded byte by byte as it was decoded', (client) => {
  const frames = framesOf(client);
  expect(frames.length).toBeGreaterThan(0);
  for (const frame of frames) {
    const { written, left } = again(frame);
    const name = `${frame.api.name} ${frame.version} ${frame.direction}`;
    expect(`${name} ${written.toString('hex')} ${left}`).toBe(`${name} ${frame.bytes.toString('hex')} 0`);
  }
});

test('the frames reveal nothing about the machine that they were captured on', () => {
  for (const { bytes } of clients.flatMap(framesOf)) {
    const text = bytes.toString('latin1');
    expect(text).not.toMatch(/\/(tmp|home|root)\b/);
    for (const address of text.match(/\b\d{1,3}(\.\d{1,3}){3}\b/g) ?? []) expect(address).toBe('127.0.0.1');
  }
});
