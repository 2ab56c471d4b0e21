// A gateway that is broken on purpose: the real engine, intake and accounting, over a log that accepts everything, but
// of every two stored publishes one is not counted. The alert on the accounting identity must fire.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Meter, silentLogger } from '@milepost/core';
import { AedesEngine, Intake, type RecordSink } from '@milepost/ingress';
import { DEFAULT_ROUTES } from '@milepost/routes';
import { nodeClock } from '@milepost/node-host';
import { PrometheusMeter } from '@milepost/telemetry';

export interface LossyGateway {
  readonly httpPort: number;
  readonly mqttPort: number;
  close(): Promise<void>;
}

export async function startLossyGateway(): Promise<LossyGateway> {
  const meter = new PrometheusMeter();
  const routes = DEFAULT_ROUTES;
  const intake = new Intake({ clock: nodeClock, logger: silentLogger, meter: forgetful(meter), sink, routes });
  const engine = new AedesEngine({ telemetry: routes.map(({ filter }) => filter), logger: silentLogger });
  const { mqtt = 0 } = await engine.listen({ host: '127.0.0.1', ports: { mqtt: 0 } }, intake);
  const server = createServer((_, response) => {
    void meter.text().then((page) => response.writeHead(200, { 'content-type': 'text/plain' }).end(page));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    httpPort: (server.address() as AddressInfo).port,
    mqttPort: mqtt,
    async close() {
      server.close();
      server.closeAllConnections();
      await engine.close();
    },
  };
}

const sink: RecordSink = { partitionOf: () => 0, send: async () => {} };

/** Counts half of what is appended. */
function forgetful(meter: PrometheusMeter): Meter {
  const counter: Meter['counter'] = (name, help, labelNames) => {
    const honest = meter.counter(name, help, labelNames);
    if (name !== 'milepost_mqtt_messages_appended_total') return honest;
    return { ...honest, add: (amount = 1, labels) => honest.add(Math.floor(amount / 2), labels) };
  };
  return {
    counter,
    gauge: meter.gauge.bind(meter),
    histogram: meter.histogram.bind(meter),
    onScrape: meter.onScrape.bind(meter),
  };
}
