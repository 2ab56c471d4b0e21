import { pbkdf2Sync } from 'node:crypto';
import { type DeriveKey, parseClientFirst, scramCredential, ScramExchange } from './scram.ts';
import { logInByScram } from './scram-client.ts';

const derive: DeriveKey = async (password, salt, iterations, digest) =>
  pbkdf2Sync(password, salt, iterations, digest === 'sha256' ? 32 : 64, digest);
const admin = { mechanism: 'SCRAM-SHA-256', username: 'ad=min,', password: 'pencil' } as const;

/** A server that knows the password: the messages that it receives and sends. */
async function server(password: string, mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512' = 'SCRAM-SHA-256') {
  const given = { salt: Buffer.from('salt of the test'), iterations: 4096 };
  const credential = await scramCredential(mechanism, password, given, derive);
  let exchange: ScramExchange | undefined;
  return async (token: Buffer): Promise<Buffer> => {
    if (exchange) return exchange.verify(token);
    exchange = new ScramExchange(mechanism, parseClientFirst(token), credential, 'server');
    return exchange.challenge;
  };
}

test('the messages are those of the example in RFC 7677', async () => {
  const sent: string[] = [];
  const received = [
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  ];
  const login = { mechanism: 'SCRAM-SHA-256', username: 'user', password: 'pencil' } as const;
  await logInByScram(login, 'rOprNGfwEbeRWgbNEkqO', derive, async (token) => {
    sent.push(token.toString());
    return Buffer.from(received[sent.length - 1] ?? '');
  });
  expect(sent).toEqual([
    'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  ]);
});

test.each(['SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('%s: both sides know the password', async (mechanism) => {
  await expect(
    logInByScram({ ...admin, mechanism }, 'client', derive, await server('pencil', mechanism)),
  ).resolves.toBeUndefined();
});

test('a wrong password is refused by the server', async () => {
  await expect(logInByScram(admin, 'client', derive, await server('pen'))).rejects.toThrow('Invalid user credentials');
});

test('a server that does not know the credential is not trusted', async () => {
  const honest = await server('pencil');
  let messages = 0;
  const impostor = async (token: Buffer): Promise<Buffer> => {
    const response = await honest(token);
    return ++messages === 2 ? Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`) : response;
  };
  await expect(logInByScram(admin, 'client', derive, impostor)).rejects.toThrow('does not know the credential');
});

test.each([
  ['the nonce of another exchange', 'r=other-server,s=c2FsdA==,i=4096'],
  ['more iterations than a login may cost', 'r=client-server,s=c2FsdA==,i=10000000'],
  ['something else', 'hello'],
])('%s ends the exchange', async (_, challenge) => {
  await expect(logInByScram(admin, 'client', derive, async () => Buffer.from(challenge))).rejects.toThrow(
    'Invalid SCRAM server first message',
  );
});
