// Strangers at the HTTP port where users sign in, on real sockets: requests, cookies, tokens and bodies, cut and mangled.
//
//   every response      is a refusal, never an error of the server, and sets no cookie
//   in the end          nothing was logged as an error, no prototype has changed, and a user signs in
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { type Logger, silentLogger } from '@milepost/core';
import { type HttpAccessStore, scramCredential, SignIn } from '@milepost/security';
import { readSettings } from '@milepost/settings';
import { SimRandom } from '@milepost/simulator';
import { PrometheusMeter } from '@milepost/telemetry';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ChassisModule, DatabasePart, HttpUsersPart, Lifecycle } from '../../../apps/chassis/src/index.ts';
import { AccountsModule } from '../../../apps/dashboard/src/accounts/accounts.module.ts';
import { Misbehaviour } from '../conversation.ts';
import { garbage, mangled } from './mangle.ts';
import { cheapKey, cheapKeys, fastClock, type StrangerRound } from './stranger.ts';

const USER = { name: 'maria', password: 'correct horse', role: 'admin', mustChangePassword: false } as const;
const AT_ONCE = 100;
/** After a response, or without one for that long, the client ends its connection. */
const QUIET_MS = 100;
const PATIENCE_MS = 60_000;

export const httpRound: StrangerRound = async (seed, inputs, tally) => {
  const random = new SimRandom(seed);
  const errors: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    error: (fields, message) => void errors.push(message + JSON.stringify(fields)),
  };
  const app = await application(logger);
  const { port } = app.getHttpServer().address() as AddressInfo;
  try {
    for (let done = 0; done < inputs; done += AT_ONCE) {
      const requests = Array.from({ length: AT_ONCE }, () => requestFrom(random));
      for (const response of await Promise.all(requests.map((request) => exchange(port, request)))) {
        tally.connections++;
        tally.inputs++;
        if (response !== '') tally.answered++;
      }
    }
    const [error] = errors;
    if (error !== undefined) throw new Misbehaviour(`an error was logged: ${error}`);
    if (Object.keys(Object.prototype).length > 0) throw new Misbehaviour('the prototype of all objects has changed');
    await signsIn(app);
  } finally {
    await app.close();
  }
};

async function application(logger: Logger): Promise<NestFastifyApplication> {
  const env = { MILEPOST_HTTP_AUTHENTICATION: 'required', DATABASE_URL: 'postgres://127.0.0.1/none' };
  const meter = new PrometheusMeter();
  const lifecycle = new Lifecycle();
  const frame = ChassisModule.with({ settings: readSettings('dashboard', env), logger, meter, lifecycle });
  const store = await storeWithUser();
  const signIn = new SignIn({ store, keys: cheapKeys, clock: fastClock, meter });
  const module = await Test.createTestingModule({ imports: [frame, AccountsModule] })
    .overrideProvider(DatabasePart)
    .useValue({})
    .overrideProvider(HttpUsersPart)
    .useValue({ users: { store, set: async () => {}, remove: async () => {} }, signIn })
    .compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

/** One user; no session and no token is ever valid. */
async function storeWithUser(): Promise<HttpAccessStore> {
  const given = { salt: Buffer.from('salt'), iterations: 4_096 };
  const credential = await scramCredential('SCRAM-SHA-256', USER.password, given, cheapKey);
  const { password: _, ...user } = USER;
  const store: Partial<HttpAccessStore> = {
    user: async (name) => (name === USER.name ? { ...user, credentials: { 'SCRAM-SHA-256': credential } } : undefined),
    decoySecret: async () => Buffer.from('secret'),
    sessions: async () => [],
    token: async () => undefined,
    addSession: async () => {},
  };
  return store as HttpAccessStore;
}

/** From another address than the strangers', whose attempts were slowed. */
async function signsIn(app: NestFastifyApplication): Promise<void> {
  const headers = { 'content-type': 'application/json', host: '127.0.0.1', origin: 'http://127.0.0.1' };
  const payload = { username: USER.name, password: USER.password };
  const request = { method: 'POST', url: '/api/session', headers, payload, remoteAddress: '10.0.0.7' } as const;
  const { statusCode, body } = await app.inject(request);
  if (statusCode !== 200) throw new Misbehaviour(`the user cannot sign in: ${statusCode} ${body}`);
}

/** Resolves with what was received when the connection has ended. */
function exchange(port: number, request: Buffer): Promise<string> {
  const story = `sent ${JSON.stringify(request.toString('latin1').slice(0, 600))}`;
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const late = setTimeout(() => reject(new Misbehaviour(`the connection does not end: ${story}`)), PATIENCE_MS);
    let received = '';
    let quiet: NodeJS.Timeout | undefined;
    const endWhenQuiet = (): void => {
      clearTimeout(quiet);
      quiet = setTimeout(() => socket.destroy(), QUIET_MS);
    };
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      received += chunk;
      endWhenQuiet();
    });
    socket.on('error', () => {}); // a reset is an end too
    socket.once('close', () => {
      clearTimeout(quiet);
      clearTimeout(late);
      const problem = problemOf(received);
      if (problem === undefined) resolve(received);
      else reject(new Misbehaviour(`${problem}: ${story}, received ${JSON.stringify(received.slice(0, 600))}`));
    });
    socket.once('connect', () => {
      socket.write(request);
      endWhenQuiet();
    });
  });
}

/** Every status is that of a refusal, or sends a browser to the page where one signs in. */
function problemOf(received: string): string | undefined {
  for (const [, status = ''] of received.matchAll(/^HTTP\/1\.1 (\d{3})/gm))
    if (!/^(100|303|4\d\d)$/.test(status)) return `a stranger got ${status}`;
  return /^set-cookie:/im.test(received) ? 'a stranger got a cookie' : undefined;
}

function requestFrom(random: SimRandom): Buffer {
  const count = random.pick([1, 1, 1, 2]);
  const bytes = Buffer.concat(Array.from({ length: count }, () => goodRequest(random)));
  return random.chance(0.9) ? mangled(bytes, random) : bytes;
}

function goodRequest(random: SimRandom): Buffer {
  const [method, path] = random.pick([
    ['POST', '/api/session'],
    ['POST', '/api/session'],
    ['POST', '/api/session'],
    ['GET', '/api/session'],
    ['DELETE', '/api/session'],
    ['PUT', '/api/session/password'],
    ['PUT', '/api/users/maria'],
    ['POST', '/api/tokens'],
    ['GET', '/metrics'],
    ['GET', '/nothing/../api/users?x=%00'],
  ]);
  const body = method === 'GET' ? Buffer.alloc(0) : bodyFrom(random);
  const isChunked = random.chance(0.1);
  const headers = [
    'Host: 127.0.0.1',
    ...(random.chance(0.7) ? ['Origin: http://127.0.0.1'] : []),
    ...(random.chance(0.3) ? [`Cookie: milepost_session=${random.uuid()}; __Host-milepost_session=`] : []),
    ...(random.chance(0.2) ? [`Authorization: ${random.pick(['Bearer ', 'Basic ', 'bearer  '])}${random.uuid()}`] : []),
    ...(random.chance(0.1) ? ['Accept: text/html'] : []),
    ...(random.chance(0.1) ? [`Content-Encoding: ${random.pick(['gzip', 'deflate', 'br'])}`] : []),
    ...(random.chance(0.1) ? ['X-Forwarded-For: 127.0.0.1'] : []),
    ...(random.chance(0.05) ? ['Expect: 100-continue'] : []),
    `Content-Type: ${random.pick(['application/json', 'application/json', 'text/plain', 'application/x-www-form-urlencoded'])}`,
    isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`,
  ];
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
  if (!isChunked) return Buffer.concat([head, body]);
  return Buffer.concat([head, Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
}

function bodyFrom(random: SimRandom): Buffer {
  const username = random.pick(['maria', 'nobody', '', '__proto__', 'constructor', 'a\nb', 'x'.repeat(3_000)]);
  const password = random.pick(['wrong', '', 'x'.repeat(2_000), '\u{1F69A}']);
  return Buffer.from(
    random.pick([
      JSON.stringify({ username, password }),
      JSON.stringify({ username: [username], password: { password } }),
      `{"__proto__":{"username":"maria"},"username":"${'y'}","password":"z"}`,
      '{"constructor":{"prototype":{"role":"admin"}}}',
      '['.repeat(5_000),
      'null',
      garbage(64, random).toString('latin1'),
    ]),
  );
}
