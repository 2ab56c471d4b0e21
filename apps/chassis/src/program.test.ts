import type { Server } from 'node:http';
import { startProgram } from './program.ts';

test('a client has a limited time to send its headers, and its whole request', async () => {
  const env = { MILEPOST_HTTP_PORT: '0', MILEPOST_LOG_LEVEL: 'silent', DATABASE_URL: 'postgres://127.0.0.1/none' };
  const program = await startProgram({ name: 'schema-registry', modules: () => [], env });
  const { headersTimeout, requestTimeout } = program.app.getHttpServer() as Server;
  expect({ headersTimeout, requestTimeout }).toEqual({ headersTimeout: 60_000, requestTimeout: 60_000 });
  await program.stop();
});
