import { type Channel, encodeAlert } from '@milepost/alerts';
import { headersOf } from '@milepost/telemetry';

const TIMEOUT_MS = 10_000;

/** POSTs alerts as JSON. The alert's id is the Idempotency-Key: a receiver that has seen it may ignore the second. */
export function webhook(url: string): Channel {
  return {
    name: 'webhook',
    async deliver(alert) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': alert.alertId, ...headersOf() },
        body: encodeAlert(alert),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`HTTP ${response.status}, expected 2xx`);
    },
  };
}
