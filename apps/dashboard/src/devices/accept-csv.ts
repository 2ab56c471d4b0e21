// CSV as the body of a request: a text, of up to 100,000 devices.
import type { HttpServer } from '../pages.ts';

const LIMIT_BYTES = 16 * 1024 * 1024;

export function acceptCsv(server: HttpServer): void {
  server.addContentTypeParser('text/csv', { parseAs: 'string', bodyLimit: LIMIT_BYTES }, (_request, body, done) =>
    done(null, body),
  );
}
