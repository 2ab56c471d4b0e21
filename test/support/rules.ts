// Rules for tests: a new installation watches for silence alone, so a test of another alert first adds its rule.
import { until } from '../e2e/support/until.ts';

export const speedingRule = { id: 'speeding', name: 'Faster than 90 km/h', kind: 'speeding', limitKmh: 90 } as const;

/** A request to the HTTP port of a program; resolves with the body of the response. */
export type HttpCall = (path: string, posted?: object) => Promise<string>;

const inTheClear =
  (port: number): HttpCall =>
  async (path, posted) => {
    const headers = { 'content-type': 'application/json' };
    const post = posted && { method: 'POST', headers, body: JSON.stringify(posted) };
    return (await fetch(`http://127.0.0.1:${port}${path}`, post)).text();
  };

/** Adds a rule by the API, and waits until the notifications apply it. `at`: the HTTP port, or how to call it. */
export async function addRule(at: number | HttpCall, rule: object): Promise<void> {
  const call = typeof at === 'number' ? inTheClear(at) : at;
  const body = JSON.parse(await call('/api/rules', rule)) as { readonly rule?: { readonly version: number } };
  if (!body.rule) throw new Error(`the rule is not added: ${JSON.stringify(body)}`);
  await rulesInForce(call, body.rule.version);
}

/** Of the program that runs the notifications. */
export async function rulesInForce(at: number | HttpCall, version: number): Promise<void> {
  const call = typeof at === 'number' ? inTheClear(at) : at;
  await until(`version ${version} of the rules`, async () => {
    const metrics = await call('/metrics');
    return Number(/^milepost_rules_version (\d+)/m.exec(metrics)?.[1] ?? 0) >= version;
  });
}
