import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IntakeRecord, RecordSink } from '@milepost/ingress';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { startTracing, type StopTracing } from '@milepost/telemetry';
import { silentLogger } from '@milepost/core';
import { TracedSink } from './traced-sink.ts';

const record = (headers: Record<string, string>): IntakeRecord => ({
  topic: 'truck_gps',
  partition: 3,
  key: Buffer.from('t-1'),
  value: Buffer.from('{}'),
  headers: new Map(Object.entries(headers).map(([name, value]) => [name, Buffer.from(value)])),
  timestamp: Date.now(),
});

class Log implements RecordSink {
  readonly sent: (readonly IntakeRecord[])[] = [];
  failures = 0;
  partitionOf(): number {
    return 3;
  }
  async send(records: readonly IntakeRecord[]): Promise<void> {
    this.sent.push(records);
    if (this.failures-- > 0) throw new Error('away');
  }
}

const traceOf = (sent: IntakeRecord | undefined): string | undefined =>
  sent?.headers.get('traceparent')?.toString().split('-')[1];

/** Accepts spans like a collector. */
const collector = createServer((request, response) => void request.resume().on('end', () => response.end()));
beforeAll(() => new Promise<void>((resolve) => void collector.listen(0, '127.0.0.1', resolve)));
afterAll(() => {
  collector.close();
  collector.closeAllConnections();
});

let stop: StopTracing;
const tracing = async (ratio: string): Promise<void> => {
  const { port } = collector.address() as AddressInfo;
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`; // the exporter itself reads it from there
  const env = { ...process.env, OTEL_TRACES_SAMPLER_ARG: ratio };
  stop = await startTracing({ name: 'gateway', version: '1', env, logger: silentLogger });
};
afterEach(() => stop());

test('a sampled publish passes its trace on; the record is otherwise unchanged', async () => {
  await tracing('1');
  const log = new Log();
  const publish = record({ 'mqtt.topic': 'trucks/t-1/gps' });
  await new TracedSink(log, DEFAULT_ROUTES).send([publish]);
  const [sent] = log.sent[0] ?? [];
  expect(sent?.headers.get('traceparent')?.toString()).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect({ ...sent, headers: undefined }).toEqual({ ...publish, headers: undefined });
  expect(publish.headers.has('traceparent')).toBe(false);
});

test('a record that is not sampled is unchanged, and so is one of the gateway itself', async () => {
  await tracing('0');
  const log = new Log();
  const publish = record({ 'mqtt.topic': 'trucks/t-1/gps' });
  await new TracedSink(log, DEFAULT_ROUTES).send([publish]);
  expect(log.sent[0]?.[0]).toBe(publish);
  await stop();
  await tracing('1');
  const presence = record({});
  await new TracedSink(log, DEFAULT_ROUTES).send([presence]);
  expect(log.sent[1]?.[0]).toBe(presence);
});

test('a trace that a device has begun continues, if the device has sampled it', async () => {
  await tracing('0'); // for traces that begin here
  const log = new Log();
  const parent = (flags: string): string => `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`;
  const publish = record({ 'mqtt.topic': 'trucks/t-1/gps', traceparent: parent('01') });
  await new TracedSink(log, DEFAULT_ROUTES).send([publish]);
  expect(traceOf(log.sent[0]?.[0])).toBe('0af7651916cd43dd8448eb211c80319c');
  expect(log.sent[0]?.[0]?.headers.get('traceparent')?.toString()).not.toBe(parent('01')); // the send is its parent now
  const unsampled = record({ 'mqtt.topic': 'trucks/t-1/gps', traceparent: parent('00') });
  await new TracedSink(log, DEFAULT_ROUTES).send([unsampled]);
  expect(log.sent[1]?.[0]).toBe(unsampled);
});

test('a record that is resent remains in its trace', async () => {
  await tracing('1');
  const log = new Log();
  log.failures = 1;
  const sink = new TracedSink(log, DEFAULT_ROUTES);
  const publish = record({ 'mqtt.topic': 'trucks/t-1/gps' });
  await expect(sink.send([publish])).rejects.toThrow('away');
  await sink.send([publish]);
  expect(traceOf(log.sent[0]?.[0])).toBe(traceOf(log.sent[1]?.[0]));
  expect(traceOf(log.sent[0]?.[0])).toMatch(/^[0-9a-f]{32}$/);
});
