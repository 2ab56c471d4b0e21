// The first start on a network: `milepost secure`, then the appliance with its settings, as users, scripts and Kafka's clients meet it.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { chromium } from 'playwright-core';
import { freePort } from '../support/free-port.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';

const LIMIT_MS = 240_000;
const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
if (!executablePath) console.warn('skipped: signing in at the page: no Chromium on this machine');
const run = promisify(execFile);
const data = dataFolder();
const http = {
  MILEPOST_HTTP_PORT: '0',
  MILEPOST_MQTTS_PORT: '0',
  MILEPOST_MQTT_WSS_PORT: '0',
  MILEPOST_KAFKA_PORT: '0',
  MILEPOST_METRICS_PORT: '0',
};
/** Only ports: everything else comes from the file. */
const env = {
  ...http,
  MILEPOST_DATA_DIR: data,
  MILEPOST_LOG_LEVEL: 'warn',
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
};
let program: Program;
let said: string;
let ca: string;
let kafkaPort: number;

async function milepost(args: readonly string[], input = ''): Promise<string> {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([key]) => !/^(NODE_OPTIONS|MILEPOST_|KAFKA_|DATABASE_URL)/.test(key)),
  );
  const child = run(process.execPath, ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', ...args], {
    env: { ...clean, MILEPOST_DATA_DIR: data },
  });
  child.child.stdin?.end(input);
  return (await child).stdout;
}

interface Response {
  readonly status: number;
  readonly cookie: string;
  readonly text: string;
}

interface Wanted {
  readonly method?: string;
  readonly cookie?: string;
  readonly authorization?: string;
  readonly origin?: string;
  readonly body?: object;
}

function call(path: string, { method = 'GET', body, ...headers }: Wanted = {}): Promise<Response> {
  return new Promise((resolve, reject) => {
    const own = {
      origin: `https://127.0.0.1:${program.ports.http}`,
      ...(body && { 'content-type': 'application/json' }),
    };
    const options = { host: '127.0.0.1', port: program.ports.http, path, method, ca, headers: { ...own, ...headers } };
    const sent = request(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const cookie = (response.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]).join('; ');
      response.on('end', () => resolve({ status: response.statusCode ?? 0, cookie, text }));
    });
    sent.on('error', reject).end(body && JSON.stringify(body));
  });
}

const signIn = (username: string, password: string) =>
  call('/api/session', { method: 'POST', body: { username, password } });

const OWN_PASSWORD = 'a password of her own';

beforeAll(async () => {
  said = await milepost(['secure', '--name', 'localhost']);
  ca = readFileSync(join(data, 'security', 'ca.pem'), 'utf8');
  const settings = readFileSync(join(data, 'settings.env'), 'utf8');
  kafkaPort = await freePort();
  const listeners = /KAFKA_LISTENERS=(.*)/.exec(settings)?.[1]?.replace('9093', String(kafkaPort)) ?? '';
  const advertised = { KAFKA_ADVERTISED_LISTENERS: `CLIENTS://localhost:${kafkaPort}` };
  program = await Program.start('appliance', { ...env, KAFKA_LISTENERS: listeners, ...advertised });
}, LIMIT_MS);

const oneTimePassword = (): string => /password (\S+) until/.exec(said)?.[1] ?? '';

test('without it, an address of the network is refused in one line that names it', async () => {
  const open = { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LISTEN: '0.0.0.0' };
  const { log, status } = await Program.run('appliance', open);
  expect(status).toBe(1);
  expect(log.trim().split('\n')).toHaveLength(1);
  expect(log).toContain('run `npx milepost secure`');
});

test('nobody reads anything without signing in, over TLS by our authority', async () => {
  for (const path of ['/api/trucks', '/api/users', '/metrics', '/', '/roads.json'])
    expect((await call(path)).status).toBe(401);
  expect((await call('/health/ready')).status).toBe(200);
  expect((await call('/sign-in/')).text).toContain('Sign in');
});

test('the admin signs in with the one-time password, and may do nothing before it is changed', async () => {
  expect((await signIn('admin', 'wrong')).status).toBe(401);
  expect((await signIn('nobody', 'wrong')).text).toBe((await signIn('admin', 'wrong')).text);
  const first = await signIn('admin', oneTimePassword());
  expect(first.status).toBe(200);
  expect(first.cookie).toMatch(/^__Host-milepost_session=/);
  expect((await call('/api/trucks', { cookie: first.cookie })).status).toBe(403);
  const body = { password: oneTimePassword(), newPassword: OWN_PASSWORD };
  const { cookie, status } = await call('/api/session/password', { method: 'PUT', cookie: first.cookie, body });
  expect(status).toBe(204);
  expect((await call('/api/users', { cookie })).status).toBe(200);
  expect((await call('/api/trucks', { cookie: first.cookie })).status).toBe(401); // the session of the former password
  expect((await signIn('admin', oneTimePassword())).status).toBe(401);
});

test('a user who is removed at the command line is out at once', async () => {
  await milepost(['users', 'add', 'maria', '--role', 'viewer'], 'mountain weather\n');
  const { cookie } = await signIn('maria', 'mountain weather');
  expect((await call('/api/trucks', { cookie })).status).toBe(200);
  expect((await call('/api/users', { cookie })).status).toBe(403);
  await milepost(['users', 'remove', 'maria']);
  expect((await call('/api/trucks', { cookie })).status).toBe(401);
});

test('a port of their own has metrics and health for everybody on this machine, and nothing else', async () => {
  const get = (path: string) => fetch(`http://127.0.0.1:${program.ports.metrics}${path}`);
  expect(await (await get('/metrics')).text()).toMatch(/^milepost_ready 1$/m);
  expect(await (await get('/health/ready')).json()).toEqual({ status: 'ready' });
  for (const path of ['/', '/api/trucks', '/docs', '/sign-in/']) expect((await get(path)).status).toBe(404);
});

test('a token reads the metrics, and is stored nowhere in clear', async () => {
  const token = (await milepost(['users', 'token', 'prometheus'])).trim();
  const { status, text } = await call('/metrics', { authorization: `Bearer ${token}` });
  expect(status).toBe(200);
  expect(text).toMatch(/^milepost_http_certificate_expiry_seconds \d+/m);
  expect(await milepost(['users', 'tokens'])).toMatch(/^prometheus +viewer/m);
  for (const secret of [token, OWN_PASSWORD, oneTimePassword()]) {
    expect(text).not.toContain(secret);
    expect(program.log).not.toContain(secret);
  }
});

test("Kafka's clients log in over TLS; the apps of the appliance do too, and others are denied", async () => {
  const client = (username: string, password: string) =>
    new Kafka({
      brokers: [`localhost:${kafkaPort}`],
      ssl: { ca },
      sasl: { mechanism: 'scram-sha-512', username, password },
      logLevel: logLevel.NOTHING,
      retry: { retries: 0 },
    }).admin();
  const admin = client('admin', OWN_PASSWORD);
  await admin.connect();
  expect(await admin.listTopics()).toContain('truck_gps'); // which the apps have created
  await admin.disconnect();
  await expect(client('admin', 'wrong').connect()).rejects.toThrow();
  await milepost(['users', 'add', 'otto', '--role', 'viewer'], 'mountain weather\n');
  const otto = client('otto', 'mountain weather'); // the same user and password as at the map
  await otto.connect();
  expect(await otto.listTopics()).toEqual([]);
  await otto.disconnect();
});

(executablePath ? test : test.skip)('a user signs in at the page, sees the map live, and signs out', async () => {
  await milepost(['users', 'add', 'petra', '--role', 'viewer'], 'mountain weather\n');
  const browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on(
      'console',
      (message) => message.type() === 'error' && errors.push(`${message.text()} ${message.location().url}`),
    );
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(`https://localhost:${program.ports.http}/`);
    await page.waitForURL(/sign-in/);
    await page.getByLabel('User name').fill('petra');
    await page.getByLabel('Password', { exact: true }).fill('mountain weather');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.locator('#connection[data-state=live]').waitFor();
    await page.getByRole('tab', { name: 'System' }).click();
    await page.getByText('Signed in as petra (viewer)').waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL(/sign-in/);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
  }
});

(executablePath ? test : test.skip)('an admin adds a user and a token at the page; both are shown once', async () => {
  const browser = await chromium.launch({
    executablePath: executablePath ?? '',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  try {
    const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(`https://localhost:${program.ports.http}/manage/#users`);
    await page.getByLabel('User name').fill('admin');
    await page.getByLabel('Password', { exact: true }).fill(OWN_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('link', { name: 'Manage devices and users' }).click();
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('button', { name: 'New user' }).click();
    await page.getByLabel('User name').fill('nils');
    await page.getByRole('button', { name: 'Add' }).click();
    const password = (await page.getByTestId('secret').textContent()) ?? '';
    expect(await signIn('nils', password)).toMatchObject({ status: 200, text: '{"mustChangePassword":true}' });
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'New token' }).click();
    await page.getByLabel('Name', { exact: true }).fill('scraper');
    await page.getByRole('button', { name: 'Make it' }).click();
    const token = (await page.getByTestId('secret').textContent()) ?? '';
    expect((await call('/api/trucks', { authorization: `Bearer ${token}` })).status).toBe(200);
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('row', { name: 'nils' }).getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('button', { name: 'Remove for good?' }).click();
    await page.getByText('nils is removed.').waitFor();
    expect((await signIn('nils', password)).status).toBe(401);
  } finally {
    await browser.close();
  }
});

test('a second run renews the certificate and changes nothing else', async () => {
  const before = readFileSync(join(data, 'security', 'server.pem'), 'utf8');
  const settings = readFileSync(join(data, 'settings.env'), 'utf8');
  const again = await milepost(['secure', '--name', 'localhost']);
  expect(again).not.toContain('until the first sign-in');
  expect(readFileSync(join(data, 'security', 'server.pem'), 'utf8')).not.toBe(before);
  expect(readFileSync(join(data, 'security', 'ca.pem'), 'utf8')).toBe(ca);
  expect(readFileSync(join(data, 'settings.env'), 'utf8')).toBe(settings);
});
