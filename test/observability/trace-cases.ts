// The trace of one truck's position, as a collector receives it from a running appliance.
import { connectAsync, type MqttClient } from 'mqtt';
import { check, command, missing, type Report } from '../support/run.ts';
import type { OtlpReceiver, ReceivedSpan } from './otlp-receiver.ts';
import { eventually, type Heard, type Listener, type Program } from './stack.ts';

export interface TraceWorld {
  readonly appliance: Program;
  readonly mqttPort: number;
  readonly collector: OtlpReceiver;
  readonly webhook: Listener;
}

const [CLIENT, PRODUCER, CONSUMER] = [3, 4, 5];
const TRUCK = 'speeder';

export async function traceCases(report: Report, world: TraceWorld): Promise<void> {
  const device = await connectAsync(`mqtt://127.0.0.1:${world.mqttPort}`, { clientId: TRUCK });
  try {
    let trace: Trace | undefined;
    await report.run('a truck that speeds is one trace, from its PUBLISH to the webhook', async () => {
      await drive(device, 150);
      trace = await eventually('the whole trace', () => wholeTrace(world.collector.spans));
      await checkShape(trace, world.webhook.heard);
    });
    await deviceTrace(report, world);
    await report.run('batches and commits are spans of their own, linked to the records in them', async () => {
      const sent = trace?.sent;
      const received = trace?.processed;
      check(sent !== undefined && received !== undefined, 'there is a trace', trace);
      const linking = (name: RegExp, to: readonly ReceivedSpan[]) =>
        world.collector.spans.filter(
          (span) =>
            name.test(span.name) && span.links.some(({ spanId }) => to.some((other) => other.spanId === spanId)),
        );
      const polls = await eventually('both polls', () => both(linking(/^poll truck_gps$/, [sent])));
      const count = polls[0]?.attributes['messaging.batch.message_count'];
      check(typeof count === 'number' && count >= 1, 'a poll counts its records', polls);
      // The map's commit may cover both of its topics: its name then has neither.
      await eventually('both commits', () => both(linking(/^commit( truck_gps)?$/, received)));
    });
    await report.run('a collector that is away is one line, and positions are acknowledged as before', async () => {
      await world.collector.close();
      const said = () => world.appliance.log().match(/traces do not arrive at/g)?.length ?? 0;
      for (let position = 0; position < 5; position++) await drive(device, 50);
      await eventually('the line', () => (said() > 0 ? true : undefined));
      for (let position = 0; position < 5; position++) await drive(device, 50);
      check(said() === 1, 'it is said once', world.appliance.log());
    });
  } finally {
    await device.endAsync();
  }
}

/** MQTT 5, with a foreign client: the trace that the device has begun continues. */
async function deviceTrace(report: Report, { collector, mqttPort, webhook }: TraceWorld): Promise<void> {
  const name = 'mosquitto_pub -V 5: a trace that a device has begun goes on to the webhook';
  const away = await missing('mosquitto_pub', '--help');
  if (away) return report.skip(name, `${away} (Debian: mosquitto-clients)`);
  await report.run(name, async () => {
    const [traceId, spanId] = ['0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'];
    const user = ['-D', 'publish', 'user-property', 'traceparent', `00-${traceId}-${spanId}-01`];
    const where = ['-V', '5', '-p', String(mqttPort), '-i', 'five', '-q', '1', '-t', 'trucks/five/gps'];
    const { status, stderr } = await command('mosquitto_pub', [
      ...where,
      ...user,
      '-m',
      '{"lat":57.7,"lon":11.97,"speedKmh":150}',
    ]);
    check(status === 0 && stderr === '', 'it is acknowledged', stderr);
    const inTrace = () => collector.spans.filter((span) => span.traceId === traceId);
    const posted = await eventually('the webhook in the trace', () => inTrace().find((span) => span.name === 'POST'));
    const received = inTrace().find((span) => span.name === 'process trucks/+/gps');
    check(received?.parentSpanId === spanId, "the gateway's span is a child of the device's", inTrace());
    await eventually('the webhook is told of it', () =>
      webhook.heard.find(({ headers }) => headers['traceparent'] === `00-${traceId}-${posted.spanId}-01`),
    );
  });
}

/** Resolves at the PUBACK. */
async function drive(device: MqttClient, speedKmh: number): Promise<void> {
  await device.publishAsync(`trucks/${TRUCK}/gps`, JSON.stringify({ lat: 57.7, lon: 11.97, speedKmh }), { qos: 1 });
}

interface Trace {
  readonly received: ReceivedSpan;
  readonly sent: ReceivedSpan;
  readonly processed: readonly ReceivedSpan[];
  readonly posted: ReceivedSpan;
}

function wholeTrace(spans: readonly ReceivedSpan[]): Trace | undefined {
  for (const received of spans.filter(({ attributes }) => attributes['milepost.truck.id'] === TRUCK)) {
    const inTrace = spans.filter(({ traceId }) => traceId === received.traceId);
    const sent = inTrace.find(({ name }) => name === 'send truck_gps');
    const processed = inTrace.filter(({ name }) => name === 'process truck_gps');
    const posted = inTrace.find(({ name }) => name === 'POST');
    if (sent && posted && processed.length === 2) return { received, sent, processed, posted };
  }
  return undefined;
}

async function checkShape({ received, sent, processed, posted }: Trace, heard: readonly Heard[]): Promise<void> {
  check(received.name === 'process trucks/+/gps' && received.kind === CONSUMER, 'it begins at the gateway', received);
  check(received.parentSpanId === undefined, 'nothing is before it', received);
  check(received.attributes['messaging.system'] === 'mqtt', 'by MQTT', received);
  check(received.attributes['messaging.destination.template'] === 'trucks/+/gps', 'under the route', received);
  check(sent.parentSpanId === received.spanId && sent.kind === PRODUCER, 'it goes into the log', sent);
  check(sent.attributes['messaging.destination.name'] === 'truck_gps', 'to its topic', sent);
  const groups = new Set(processed.map(({ attributes }) => attributes['messaging.consumer.group.name']));
  check(groups.has('location-dashboard') && groups.has('notification-service'), 'both groups read it', processed);
  for (const span of processed) {
    const { attributes, kind, parentSpanId } = span;
    check(parentSpanId === sent.spanId && kind === CONSUMER, 'from the record on', span);
    check(typeof attributes['messaging.kafka.offset'] === 'number', 'with its offset', span);
    check(
      attributes['messaging.destination.partition.id'] === sent.attributes['messaging.destination.partition.id'],
      'in the partition that it was sent to',
      span,
    );
  }
  const rules = processed.find(
    ({ attributes }) => attributes['messaging.consumer.group.name'] === 'notification-service',
  );
  check(posted.parentSpanId === rules?.spanId && posted.kind === CLIENT, 'its alert goes to the webhook', posted);
  check(!('url.full' in posted.attributes), 'whose address may hold a secret', posted);
  const traceparent = `00-${posted.traceId}-${posted.spanId}-01`;
  await eventually('the webhook is told of the trace', () =>
    heard.find(({ headers }) => headers['traceparent'] === traceparent),
  );
}

const both = (spans: readonly ReceivedSpan[]): readonly ReceivedSpan[] | undefined =>
  new Set(spans.map(({ attributes }) => attributes['messaging.consumer.group.name'])).size === 2 ? spans : undefined;
