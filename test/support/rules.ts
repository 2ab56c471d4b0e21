// Rules for tests: a new installation watches for silence alone, so a test of another alert first adds its rule.
import { until } from '../e2e/support/until.ts';

export const speedingRule = { id: 'speeding', name: 'Faster than 90 km/h', kind: 'speeding', limitKmh: 90 } as const;

/** Adds a rule by the API, and waits until the notifications apply it. */
export async function addRule(httpPort: number, rule: object): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/api/rules`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(rule),
  });
  const body = (await response.json()) as { readonly rule?: { readonly version: number } };
  if (!body.rule) throw new Error(`the rule is not added: ${JSON.stringify(body)}`);
  await rulesInForce(httpPort, body.rule.version);
}

/** Of the program that runs the notifications. */
export async function rulesInForce(httpPort: number, version: number): Promise<void> {
  await until(`version ${version} of the rules`, async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    return Number(/^milepost_rules_version (\d+)/m.exec(metrics)?.[1] ?? 0) >= version;
  });
}
