// Parses whole XML: a file that ends in the middle is refused, not read in part.
import { DOMParser, type Document, ParseError } from '@xmldom/xmldom';

/** @throws Error when the text is not XML, or ends in the middle. */
export function xmlOf(text: string): Document {
  const fail = (level: string, message: string): void => {
    if (level !== 'warning') throw new ParseError(message);
  };
  try {
    return new DOMParser({ onError: fail }).parseFromString(text, 'text/xml');
  } catch (error) {
    const [line = ''] = (error as Error).message.split('\n');
    throw new Error(`expected XML to its end, saw: ${line}`);
  }
}
