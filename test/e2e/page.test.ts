// The page as a user sees it, in a real Chromium: trucks on the map and in the list, a trail, an alert, a rule; no
// request leaves this machine.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connectAsync, type MqttClient } from 'mqtt';
import { type Browser, chromium, devices, type Page } from 'playwright-core';
import { addRule, rulesInForce, speedingRule } from '../support/rules.ts';
import { dataFolder, Program, testSettings } from './support/program.ts';
import { until } from './support/until.ts';

const executablePath = ['chromium', 'chromium-browser', 'google-chrome'].map(which).find((path) => path !== undefined);
const reason = 'no Chromium on this machine (apt-get install chromium)';
if (!executablePath && process.env['CI'] === undefined) console.warn(`skipped: the page in a browser: ${reason}`);

const LIMIT_MS = 120_000;

function which(name: string): string | undefined {
  try {
    return execFileSync('which', [name], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

(executablePath || process.env['CI'] ? describe : describe.skip)(`the page (skipped: ${reason})`, () => {
  let program: Program;
  let browser: Browser;
  let device: MqttClient;
  const errors: string[] = [];
  const strangers: string[] = [];

  beforeAll(async () => {
    if (!executablePath) throw new Error(reason);
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'];
    program = await Program.start('appliance', {
      ...testSettings,
      MILEPOST_DATA_DIR: dataFolder(),
      MILEPOST_LOG_LEVEL: 'warn',
    });
    await addRule(program.ports.http, speedingRule);
    browser = await chromium.launch({ executablePath, args, timeout: LIMIT_MS });
    device = await connectAsync(`mqtt://127.0.0.1:${program.ports.mqtt}`);
    for (let truck = 1; truck <= 3; truck++) await drive(`truck-${truck}`, 0);
  });

  afterAll(async () => {
    await device?.endAsync(true);
    await browser?.close();
    await program?.stop();
  });

  const drive = (truckId: string, step: number, speedKmh = 50) =>
    publish(truckId, { lat: 57.7 + step / 2000, lon: 11.97, speedKmh, headingDeg: 0 });

  const publish = (truckId: string, position: object) =>
    device.publishAsync(`trucks/${truckId}/gps`, JSON.stringify({ ...position, ts: new Date().toISOString() }), {
      qos: 1,
    });

  async function open(options: Parameters<Browser['newContext']>[0] = {}, hash = ''): Promise<Page> {
    const page = await (await browser.newContext(options)).newPage();
    page.setDefaultTimeout(LIMIT_MS);
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    page.on('request', (request) => {
      if (new URL(request.url()).hostname !== '127.0.0.1') strangers.push(request.url());
    });
    await page.goto(`http://127.0.0.1:${program.ports.http}/${hash}`);
    // Each is acknowledged, but the map may receive them one after the other.
    await until('three trucks in the list', async () => (await page.getByTestId('truck-row').count()) === 3);
    return page;
  }

  test('shows the trucks on the map and in the list', async () => {
    const page = await open();
    await until('three markers', async () => (await page.getByTestId('markers').getAttribute('data-markers')) === '3');
    await page.context().close();
  });

  test("draws a truck's trail when it is clicked, and its speed", async () => {
    for (let step = 1; step <= 5; step++) await drive('truck-2', step, 62);
    const page = await open();
    await page.locator('[data-testid=truck-row][data-truck-id=truck-2]').click();
    await page.getByTestId('truck-details').waitFor();
    await until('its speed', async () => (await page.getByTestId('truck-speed').textContent())?.includes('62'));
    await until('a trail', async () => Number(await page.getByTestId('trail').getAttribute('data-points')) >= 5);
    await page.context().close();
  });

  test('shows the view and the truck of an address that was sent, and retains both in its own', async () => {
    const page = await open({}, '#map=11/58.00000/12.50000&truck=truck-1');
    await page.getByTestId('truck-details').getByRole('heading', { name: 'truck-1' }).waitFor();
    expect(new URL(page.url()).hash).toBe('#map=11/58.00000/12.50000&truck=truck-1');
    await page.locator('[data-testid=truck-row][data-truck-id=truck-2]').click();
    await page.waitForURL(/#map=15\/57\.\d+\/1[12]\.\d+&truck=truck-2$/);
    await page.getByTestId('close-details').click();
    await page.waitForURL(/#map=15\/57\.\d+\/1[12]\.\d+$/);
    await page.context().close();
  });

  test('shows an alert for a truck that speeds while the page is open', async () => {
    const page = await open();
    await drive('truck-3', 1, 140);
    await page.getByTestId('toast').first().waitFor();
    expect(await page.getByTestId('alerts').textContent()).toContain('truck-3');
    await page.context().close();
  });

  test('draws a fence that raises an alert for a truck that enters it, and tries it on the past', async () => {
    const page = await open({ viewport: { width: 1280, height: 720 } }, '#map=14/57.70000/11.97000');
    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.getByTestId('new-rule').click();
    await page.getByLabel('Name', { exact: true }).fill('Harbor');
    await page.getByRole('button', { name: 'Draw a polygon' }).click();
    const drawing = page.getByTestId('drawing');
    // The middle of the map is 57.7, 11.97. A pixel is 5 m: the fence begins 300 m to the east.
    const corners = [
      [700, 200],
      [1000, 200],
      [1000, 500],
      [700, 500],
    ] as const;
    for (const [at, [x, y]] of corners.entries()) {
      await page.mouse.click(x, y);
      await drawing.getByText(`${at + 1} corner`).waitFor();
    }
    await drawing.getByRole('button', { name: 'Done' }).click();
    await page.getByText('Polygon with 4 corners.').waitFor();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Harbor is saved.').waitFor();
    const rules = (await (await page.request.get(`http://127.0.0.1:${program.ports.http}/api/rules`)).json()) as {
      name: string;
      version: number;
    }[];
    await rulesInForce(program.ports.http, rules.find(({ name }) => name === 'Harbor')?.version ?? NaN);
    await publish('truck-1', { lat: 57.7, lon: 11.97 });
    await publish('truck-1', { lat: 57.7, lon: 11.985 });
    await page.getByRole('tab', { name: 'Alerts' }).click();
    const alert = page.getByTestId('alert-row').filter({ hasText: 'truck-1 entered Harbor' });
    await alert.getByText('truck-1 · Entered an area').waitFor();

    await page.getByRole('tab', { name: 'Rules' }).click();
    await page.getByTestId('rule-row').filter({ hasText: 'Harbor' }).click();
    await page.getByTestId('back-test').click();
    await page
      .getByTestId('back-test-result')
      .getByText(/^1 alert in \d+ positions\.$/)
      .waitFor();
    await page
      .getByRole('list', { name: 'Alerts that it would have raised' })
      .getByText('truck-1 entered Harbor')
      .waitFor();
    expect(await page.locator('.shape').count()).toBe(1);
    await page.getByRole('tab', { name: 'Trucks' }).click();
    expect(await page.locator('.shape').count()).toBe(0);
    await page.getByRole('tab', { name: 'Rules' }).click();
    expect(await page.locator('.shape').count()).toBe(1);
    await page.context().close();
  });

  test('says that its connection is lost, until it is back', async () => {
    const page = await open();
    const cut: (() => Promise<void>)[] = [];
    let isUp = true;
    await page.routeWebSocket('**/api/live', (socket) => {
      if (!isUp) return void socket.close();
      const server = socket.connectToServer();
      cut.push(async () => {
        await server.close();
        await socket.close();
      });
    });
    await page.reload();
    await page.locator('#connection[data-state=live]').waitFor();
    isUp = false;
    for (const one of cut) await one();
    await page.getByText('The connection is lost').waitFor();
    isUp = true;
    await page.getByTestId('notice').waitFor({ state: 'hidden' });
    await page.locator('#connection[data-state=live]').waitFor();
    await page.context().close();
  });

  test('fits a phone, in the dark', async () => {
    const page = await open({ ...devices['iPhone 13'], colorScheme: 'dark' });
    const [width, wide] = (await page.evaluate('[innerWidth, document.documentElement.scrollWidth]')) as [
      number,
      number,
    ];
    expect(wide).toBeLessThanOrEqual(width);
    const background = (await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string;
    const brightness = (background.match(/\d+/g) ?? []).slice(0, 3).map(Number);
    expect(Math.max(...brightness)).toBeLessThan(80);
    await page.context().close();
  });

  test('shows topics and groups, and the documentation of the API', async () => {
    const page = await open();
    await page.getByRole('tab', { name: 'System' }).click();
    await page.getByRole('cell', { name: 'truck_gps' }).waitFor();
    await page.goto(`http://127.0.0.1:${program.ports.http}/docs`);
    await page.getByText('The last position of every truck').waitFor();
    await page.context().close();
  });

  test('registers a device with a password that is shown once, finds it, and blocks it', async () => {
    const page = await open();
    await page.getByRole('link', { name: 'Manage devices and users' }).click();
    await page.getByRole('button', { name: 'New device' }).click();
    await page.getByLabel('Device id').fill('van-7');
    await page.getByRole('button', { name: 'Register' }).click();
    const password = (await page.getByTestId('secret').textContent()) ?? '';
    expect(password).toMatch(/^[\w-]{24}$/);
    await page.getByRole('button', { name: 'Close' }).click();
    expect(await page.content()).not.toContain(password);
    await page.getByLabel('Search').fill('VAN');
    await page.getByText('1 device', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'van-7' }).click();
    await page.getByRole('button', { name: 'Block', exact: true }).click();
    await page.getByText('van-7 is blocked, and its connections end.').waitFor();
    await page.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('cell', { name: 'Blocked' }).waitFor();
    await page.context().close();
  });

  test('imports the devices of a file, and names its broken lines', async () => {
    const page = await open();
    await page.goto(`http://127.0.0.1:${program.ports.http}/manage/#devices`);
    await page.getByRole('button', { name: 'Import' }).click();
    const dialog = page.getByRole('dialog');
    const file = { name: 'fleet.csv', mimeType: 'text/csv', buffer: Buffer.from('id\nbus-1\nbus/2\nbus-3\n') };
    await dialog.getByLabel('File', { exact: true }).setInputFiles(file);
    await dialog.getByLabel('Skip broken lines').check();
    await dialog.getByRole('button', { name: 'Import' }).click();
    await dialog.getByText('2 devices are imported.').waitFor();
    await dialog.getByText(/^line 3: id: expected/).waitFor();
    const saved = page.waitForEvent('download');
    await dialog.getByRole('button', { name: 'Save 2 passwords' }).click();
    const passwords = readFileSync(await (await saved).path(), 'utf8');
    expect(passwords).toMatch(/^id,password\nbus-1,[\w-]{24}\nbus-3,[\w-]{24}\n$/);
    await page.context().close();
  });

  test('a dead letter becomes a position when it is sent again by a route that was added for it', async () => {
    const page = await open();
    await device.publishAsync('yard/truck-1/position', '{"lat":57.7,"lon":11.97}', { qos: 1 });
    await page.goto(`http://127.0.0.1:${program.ports.http}/manage/#dead-letters`);
    const row = page.getByRole('row', { name: 'yard/truck-1/position' });
    await row.getByText('no-route').waitFor();

    await page.getByRole('link', { name: 'Routes' }).click();
    await page.getByRole('button', { name: 'New route' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('yard');
    await dialog.getByLabel('MQTT topics').fill('yard/+/position');
    await dialog.locator('summary').click();
    await dialog.getByLabel('MQTT topic', { exact: true }).fill('yard/truck-1/position');
    await dialog.getByRole('button', { name: 'Try it' }).click();
    await dialog.getByText('The route yard takes it.').waitFor();
    await dialog.getByTestId('tried').getByText('Key: truck-1').waitFor();
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('yard is saved').waitFor();

    await page.getByRole('link', { name: 'Dead letters' }).click();
    await row.getByRole('button').click();
    await dialog.getByRole('button', { name: 'Send again' }).click();
    await dialog.getByText('It is in the log now: truck_gps, truck-1.').waitFor();
    await page.context().close();
  });

  test('marks partitions that lack a replica, and the broker that is away', async () => {
    const page = await open();
    const broker = { rack: 'north', isController: false, isAway: false, leads: 1 };
    const brokers = [
      { ...broker, id: 1, address: '10.0.0.1:9092', isController: true },
      { ...broker, id: 2, address: null, rack: null, isAway: true, leads: 0 },
    ];
    const partitions = [
      { partition: 0, leader: 1, replicas: [1, 2], isr: [1], isUnderReplicated: true },
      { partition: 1, leader: null, replicas: [2], isr: [2], isUnderReplicated: false },
    ];
    await page.route('**/api/cluster', (route) =>
      route.fulfill({ json: { brokers, topics: [{ name: 't', partitions }] } }),
    );
    await page.getByRole('tab', { name: 'System' }).click();
    await until('the controller', async () => (await page.getByTestId('broker-1').textContent()) === '1controller');
    expect(await page.getByTestId('broker-2').textContent()).toBe('2away');
    const replicas = page.getByTestId('replicas-t');
    expect(await replicas.locator('summary').textContent()).toBe('t1 offline');
    await replicas.locator('summary').click();
    const rows = await replicas.locator('tbody tr').allTextContents();
    expect(rows).toEqual(['0112', '1none2']);
    await page.context().close();
  });

  test('has no serious finding of axe on any page, by day, by night and on a phone', async () => {
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const findings: string[] = [];
    const check = async (page: Page, where: string): Promise<void> => {
      await page.evaluate(`${axe};undefined`); // a script element would break the content security policy
      const { violations } = (await page.evaluate('axe.run(document, { resultTypes: ["violations"] })')) as {
        violations: readonly { id: string; impact: string; nodes: readonly { html: string }[] }[];
      };
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
      findings.push(...serious.map(({ id, nodes }) => `${where}: ${id}: ${nodes[0]?.html}`));
    };
    const looks = { day: {}, night: { colorScheme: 'dark' }, phone: devices['iPhone 13'] } as const;
    for (const [look, options] of Object.entries(looks)) {
      const page = await open(options);
      for (const tab of ['Trucks', 'Alerts', 'Rules', 'System']) {
        await page.getByRole('tab', { name: tab }).click();
        await check(page, `${look}, ${tab}`);
      }
      for (const name of ['Devices', 'Dead letters', 'Routes', 'Users']) {
        await page.goto(`http://127.0.0.1:${program.ports.http}/manage/#${name.toLowerCase().replace(' ', '-')}`);
        await page.getByRole('heading', { name, level: 1 }).waitFor();
        await check(page, `${look}, ${name}`);
      }
      await page.goto(`http://127.0.0.1:${program.ports.http}/sign-in/`);
      await check(page, `${look}, sign-in`);
      await page.context().close();
    }
    expect(findings).toEqual([]);
  });

  test('sent requests only to its own server; its console has no error, of its content security policy or another', () => {
    expect(strangers).toEqual([]);
    expect(errors).toEqual([]);
  });
});
