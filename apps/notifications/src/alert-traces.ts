// Puts an alert's deliveries into the trace of the position that fired it. Between them is the database, which stores
// no traces. So recent alerts are remembered here; after a restart a delivery has no trace.
import type { Alert, Channel } from '@milepost/alerts';
import { contextOf, tracer, within } from '@milepost/telemetry';
import { type Attributes, type Context, SpanKind } from '@opentelemetry/api';

/** The number of alerts whose traces are remembered. */
const MOST_ALERTS = 1_000;

export interface DeliverySpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

export class AlertTraces {
  readonly #byPosition = new WeakMap<object, Context>();
  readonly #byAlert = new Map<string, Context>();

  /** The record that the position was read from. */
  read(position: object, record: object): void {
    const inTrace = contextOf(record);
    if (inTrace) this.#byPosition.set(position, inTrace);
  }

  fired(alerts: readonly Alert[]): void {
    for (const { alertId, position } of alerts) {
      const inTrace = this.#byPosition.get(position);
      if (inTrace) this.#byAlert.set(alertId, inTrace);
    }
    for (const alertId of this.#byAlert.keys()) {
      if (this.#byAlert.size <= MOST_ALERTS) break;
      this.#byAlert.delete(alertId);
    }
  }

  traced(channel: Channel, { name, kind, attributes }: DeliverySpan): Channel {
    return {
      name: channel.name,
      deliver: (alert) => {
        const parent = this.#byAlert.get(alert.alertId);
        if (!parent) return channel.deliver(alert);
        return within(tracer().startSpan(name, { kind, attributes }, parent), parent, () => channel.deliver(alert));
      },
    };
  }
}

export const sendAlert = (topic: string): DeliverySpan => ({
  name: `send ${topic}`,
  kind: SpanKind.PRODUCER,
  attributes: {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
  },
});

/** Without the path and the query, which may contain a secret. */
export function postAlert(url: string): DeliverySpan {
  const { hostname, port, protocol } = new URL(url);
  const usual = protocol === 'https:' ? 443 : 80;
  const attributes = {
    'http.request.method': 'POST',
    'server.address': hostname,
    'server.port': Number(port) || usual,
  };
  return { name: 'POST', kind: SpanKind.CLIENT, attributes };
}
