// MILEPOST_METRICS_PORT: /metrics and /health on a port of their own, without TLS and authentication, for a scraper and probes in a
// network where nobody else reaches that port.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AddressInUse } from '@milepost/core';
import type { Settings } from '@milepost/settings';
import type { ObservationController } from './observation.controller.ts';

export class MetricsPort {
  readonly #server: Server;

  constructor(observation: ObservationController) {
    const routes: Record<string, () => Promise<{ status: number; type: string; body: string }>> = {
      '/metrics': async () => ({
        status: 200,
        type: 'text/plain; version=0.0.4; charset=utf-8',
        body: await observation.metrics(),
      }),
      '/health/live': async () => json(200, observation.live()),
      '/health/ready': async () => {
        const { status, ...said } = observation.readiness();
        return json(status === 'ready' ? 200 : 503, { status, ...said });
      },
    };
    this.#server = createServer((request, response) => {
      const [path = ''] = (request.url ?? '').split('?');
      const answer = Object.hasOwn(routes, path) && request.method === 'GET' ? routes[path] : undefined;
      if (!answer) return void response.writeHead(404).end();
      answer().then(
        ({ body, status, type }) => response.writeHead(status, { 'content-type': type }).end(body),
        () => response.writeHead(500).end(),
      );
    });
  }

  /** Resolves with the port. @throws AddressInUse */
  async open({ metricsListen: host }: Settings, port: number): Promise<number> {
    this.#server.listen(port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? new AddressInUse({ host, port }) : error;
    }
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

const json = (status: number, body: object) => ({
  status,
  type: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
});
