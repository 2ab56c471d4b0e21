// The webhook: alerts POSTed as JSON. The alert's id is the Idempotency-Key: a receiver that has seen it may ignore a
// duplicate. User and password of the URL become Basic authentication and appear in no log. A redirect is a failure:
// following it would turn the POST into a GET, and count a login page as delivered.
import { type Channel, encodeAlert } from '@milepost/alerts';
import { headersOf } from '@milepost/telemetry';

const TIMEOUT_MS = 10_000;
const SHOWN_CHARS = 200;

export function webhook(url: string): Channel {
  const { address, authorization } = withoutCredentials(url);
  return {
    name: 'webhook',
    async deliver(alert) {
      const response = await fetch(address, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'idempotency-key': alert.alertId,
          ...authorization,
          ...headersOf(),
        },
        body: encodeAlert(alert),
        redirect: 'manual',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      await response.body?.cancel();
      if (response.ok) return;
      const location = response.status < 400 ? response.headers.get('location') : null;
      const where = location === null ? '' : ` to ${location.slice(0, SHOWN_CHARS)}: set the address that it leads to`;
      throw new Error(`HTTP ${response.status}${where}, expected 2xx`);
    },
  };
}

/** `fetch` refuses an address with a password, and its message contains the address. */
export function withoutCredentials(url: string): { address: string; authorization: Readonly<Record<string, string>> } {
  const parsed = new URL(url);
  const { username, password } = parsed;
  if (username === '' && password === '') return { address: url, authorization: {} };
  parsed.username = '';
  parsed.password = '';
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    address: parsed.href,
    authorization: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` },
  };
}
