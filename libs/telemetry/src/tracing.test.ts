// Each of these runs a separate program, because the SDK is global to a process.
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { batchTracer, headersOf, isTracing, startTracing } from './index.ts';
import { silentLogger } from '@milepost/core';

const run = promisify(execFile);

async function program(source: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const preamble = `
    import { createLogger, batchTracer, contextOf, headersOf, isTracing, startTracing, tracer, within } from './libs/telemetry/src/index.ts';
    import { ROOT_CONTEXT } from '@opentelemetry/api';
    const logger = createLogger({ level: 'info', format: 'json', name: 'test' });
    const stop = await startTracing({ name: 'test', version: '1', env: process.env, logger });
  `;
  return execute(`${preamble}\n${source}\nawait stop();`, env);
}

function execute(source: string, env: Record<string, string>): Promise<{ stdout: string; stderr: string }> {
  const args = ['--import', './tools/swc-hook.mjs', '--input-type=module', '-e', source];
  return run(process.execPath, args, { env: { PATH: process.env['PATH'], ...env } });
}

test('when traces are off, no header of a record is written or read', async () => {
  await startTracing({ name: 'test', version: '1', env: {}, logger: silentLogger });
  expect(isTracing()).toBe(false);
  expect(headersOf()).toEqual({});
  expect(batchTracer('group')).toBeUndefined();
});

test('the SDK is loaded only when traces are on', async () => {
  const source = `
    import { registerHooks } from 'node:module';
    const loaded = new Set();
    registerHooks({ resolve: (name, context, next) => (loaded.add(name), next(name, context)) });
    const { startTracing } = await import('./libs/telemetry/src/index.ts');
    const logger = { info: () => {}, warn: () => {} };
    await startTracing({ name: 'test', version: '1', env: process.env, logger });
    process.stdout.write(String(loaded.has('@opentelemetry/sdk-trace')));
  `;
  expect((await execute(source, {})).stdout).toBe('false');
  expect((await execute(source, { OTEL_TRACES_EXPORTER: 'otlp' })).stdout).toBe('true');
});

test('a log line inside a span has its trace id, and one outside has none', async () => {
  const source = `
    const span = tracer().startSpan('work', {}, ROOT_CONTEXT);
    await within(span, ROOT_CONTEXT, async () => logger.info({}, 'inside'));
    logger.info({}, 'outside');
    process.stdout.write(span.spanContext().traceId);
  `;
  const { stdout, stderr } = await program(source, { OTEL_TRACES_EXPORTER: 'console', OTEL_TRACES_SAMPLER_ARG: '1' });
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; trace_id?: string });
  const traceId = lines.find(({ msg }) => msg === 'inside')?.trace_id;
  expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(stdout).toContain(traceId);
  expect(lines.find(({ msg }) => msg === 'outside')).not.toHaveProperty('trace_id');
});

test('a record that was not sampled, or has no trace, gets no span', async () => {
  const source = `
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const record = (offset, traceparent) => ({ topic: 't', partition: 0, offset, headers: new Map(traceparent ? [['traceparent', Buffer.from(traceparent)]] : []) });
    const records = [record(0), record(1, '00-' + traceId + '-b7ad6b7169203331-00'), record(2, 'nonsense'), record(3, '00-' + traceId + '-b7ad6b7169203331-01')];
    await batchTracer('g').process(records, async () => {});
    process.stdout.write(records.map((record) => (contextOf(record) ? 'traced' : '-')).join());
  `;
  const env = { OTEL_TRACES_EXPORTER: 'otlp', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  expect((await program(source, env)).stdout).toBe('-,-,-,traced');
});

test('a batch that fails fails its spans, and its error is rethrown', async () => {
  const source = `
    const record = { topic: 't', partition: 0, offset: 0, headers: new Map([['traceparent', Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')]]) };
    await batchTracer('g').process([record], () => Promise.reject(new Error('no'))).catch((error) => process.stderr.write('{"msg":"' + error.message + '"}'));
  `;
  const { stdout, stderr } = await program(source, { OTEL_TRACES_EXPORTER: 'console' });
  expect(stderr).toContain('{"msg":"no"}');
  expect(stdout).toMatch(/name: 'process t'[\s\S]*status: \{ code: 2, message: 'no' \}/);
});

test('spans are sent as protobuf by default, to the path of traces', async () => {
  const seen: { path: string | undefined; type: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('latin1');
      seen.push({ path: request.url, type: request.headers['content-type'], body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: '1', OTEL_SERVICE_NAME: 'fleet-42' };
    await program(`tracer().startSpan('work', {}, ROOT_CONTEXT).end();`, env);
  } finally {
    server.close();
  }
  expect(seen).toMatchObject([{ path: '/v1/traces', type: 'application/x-protobuf' }]);
  expect(seen[0]?.body).toContain('fleet-42');
});

test('a stop does not wait for an endpoint that accepts spans and never responds', async () => {
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '3600000',
    OTEL_TRACES_SAMPLER_ARG: '1',
  };
  const source = `tracer().startSpan('work', {}, ROOT_CONTEXT).end(); await stop(); process.stdout.write('stopped'); process.exit();`;
  expect((await program(source, env)).stdout).toBe('stopped');
  server.closeAllConnections();
  server.close();
});
