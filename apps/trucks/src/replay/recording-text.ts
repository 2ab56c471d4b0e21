// A recording's bytes as text. Recorders and editors write byte order marks, UTF-16 and, in XML, the encoding that they
// declare; any other text is read as Windows-1252, in which every byte is a character.

const XML_ENCODING = /^<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']/;
const DECLARATION_BYTES = 200;

export function recordingText(bytes: Buffer): string {
  return new TextDecoder(encodingOf(bytes)).decode(bytes); // this also removes a byte order mark
}

function encodingOf(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  // Without a mark: every second byte of Latin text is zero.
  if (bytes.length >= 4 && bytes[1] === 0 && bytes[3] === 0 && bytes[0] !== 0) return 'utf-16le';
  if (bytes.length >= 4 && bytes[0] === 0 && bytes[2] === 0 && bytes[1] !== 0) return 'utf-16be';
  if (isUtf8(bytes)) return 'utf-8';
  const declared = XML_ENCODING.exec(bytes.subarray(0, DECLARATION_BYTES).toString('latin1'))?.[1]?.toLowerCase();
  return declared !== undefined && declared !== 'utf-8' && isKnown(declared) ? declared : 'windows-1252';
}

function isUtf8(bytes: Buffer): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false; // TextDecoder reports this only as an exception
  }
}

function isKnown(encoding: string): boolean {
  try {
    new TextDecoder(encoding);
    return true;
  } catch {
    return false;
  }
}
