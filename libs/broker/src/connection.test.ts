import { type Clock, type Connection, type Logger, MalformedMessage, silentLogger } from '@milepost/core';
import { type Answer, ClientConnection } from './connection.ts';

const clock: Clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };

class FakeSocket implements Connection {
  readonly remote = { host: '192.0.2.1', port: 5000 };
  readonly local = { host: '127.0.0.1', port: 9092 };
  readonly pendingBytes = 0;
  readonly sends: string[] = [];
  state: 'open' | 'closed' | 'aborted' = 'open';
  flowing = true;
  takesMore = true;

  send(bytes: readonly Uint8Array[]): boolean {
    this.sends.push(Buffer.concat(bytes).toString());
    return this.takesMore;
  }
  pause(): void {
    this.flowing = false;
  }
  resume(): void {
    this.flowing = true;
  }
  close(how?: 'abort'): void {
    this.state = how ? 'aborted' : 'closed';
  }
}

/** Frames are words; `p…` may overlap. Each is answered by its own echo when the test says so. */
function connected(logger: Logger = silentLogger) {
  const socket = new FakeSocket();
  const asked: string[] = [];
  const answer = new Map<string, (answer: Answer) => void>();
  const client = new ClientConnection(socket, {
    clock,
    logger,
    requestMaxBytes: 1000,
    dispatch: {
      mayOverlap: (frame) => frame.toString().startsWith('p'),
      dispatch: (frame) => {
        const word = frame.toString();
        asked.push(word);
        if (word === 'nonsense') throw new MalformedMessage('no such word');
        if (word.startsWith('now')) return { chunks: [frame] };
        return new Promise((resolve) => answer.set(word, resolve));
      },
    },
  });
  client.begin();
  const say = (...words: string[]): void => client.bytes(Buffer.concat(words.map(framed)));
  const settle = async (word: string, how: Answer = { chunks: [Buffer.from(word)] }): Promise<void> => {
    answer.get(word)?.(how);
    await ticks();
  };
  return { client, socket, asked, say, settle };
}

function framed(word: string): Buffer {
  const frame = Buffer.alloc(4 + word.length);
  frame.writeInt32BE(word.length);
  frame.write(word, 4);
  return frame;
}

async function ticks(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
}

test('answers leave in the order of the requests, whichever is done first', async () => {
  const { say, settle, socket, asked } = connected();
  say('p1', 'p2', 'p3');
  expect(asked).toEqual(['p1', 'p2', 'p3']);
  await settle('p3');
  await settle('p2');
  expect(socket.sends).toEqual([]);
  await settle('p1');
  expect(socket.sends).toEqual(['p1p2p3']);
});

test('a request that tolerates no other waits for those before it and holds back those after it', async () => {
  const { say, settle, socket, asked } = connected();
  say('p1', 'commit', 'p2');
  expect(asked).toEqual(['p1']);
  expect(socket.flowing).toBe(false);
  await settle('p1');
  expect(asked).toEqual(['p1', 'commit']);
  await settle('commit');
  expect(asked).toEqual(['p1', 'commit', 'p2']);
  await settle('p2');
  expect(socket.sends).toEqual(['p1', 'commit', 'p2']);
  expect(socket.flowing).toBe(true);
});

test('requests that are answered at once leave in one write', () => {
  const { say, socket } = connected();
  say('now1', 'now2', 'now3');
  expect(socket.sends).toEqual(['now1now2now3']);
});

test('a frame may come in any number of pieces', () => {
  const { client, socket } = connected();
  for (const byte of framed('now')) client.bytes(Buffer.from([byte]));
  expect(socket.sends).toEqual(['now']);
});

test('no answer is no answer: the next one leaves', async () => {
  const { say, settle, socket } = connected();
  say('p1', 'p2');
  await settle('p1', 'none');
  await settle('p2');
  expect(socket.sends).toEqual(['p2']);
});

test('a client that does not read is not read from either, and goes on when it has', async () => {
  const { client, say, socket, asked } = connected();
  socket.takesMore = false;
  say('now1');
  say('now2');
  expect(asked).toEqual(['now1']);
  expect(socket.flowing).toBe(false);
  socket.takesMore = true;
  client.drained();
  expect(socket.sends).toEqual(['now1', 'now2']);
  expect(socket.flowing).toBe(true);
});

test('only so many requests are under way: the rest waits', async () => {
  const { say, settle, asked, socket } = connected();
  say(...Array.from({ length: 300 }, (_, index) => `p${index}`));
  expect(asked).toHaveLength(256);
  expect(socket.flowing).toBe(false);
  await settle('p0');
  expect(asked).toHaveLength(257);
});

test('what is not a request ends the connection, after the answers that were due before it', async () => {
  const warnings: string[] = [];
  const { say, settle, socket, asked } = connected({ ...silentLogger, warn: (_, message) => warnings.push(message) });
  say('p1');
  say('p2', 'nonsense', 'p3');
  await settle('p1');
  await settle('p2');
  expect(asked).toEqual(['p1', 'p2', 'nonsense']);
  expect(socket.sends).toEqual(['p1', 'p2']);
  expect(socket.state).toBe('closed');
  expect(warnings).toEqual([expect.stringContaining('no such word')]);
});

test('a length that no frame has ends the connection', () => {
  const warnings: string[] = [];
  const { client, socket } = connected({ ...silentLogger, warn: (_, message) => warnings.push(message) });
  client.bytes(Buffer.from([0x7f, 0xff, 0xff, 0xff]));
  expect(socket.state).toBe('closed');
  expect(warnings).toEqual([expect.stringContaining('2147483647')]);
});

test('a finished client gets what is under way and then the end', async () => {
  const { client, say, settle, socket, asked } = connected();
  say('p1');
  const finished = client.finish();
  say('p2');
  expect(socket.state).toBe('open');
  await settle('p1');
  await finished;
  expect(asked).toEqual(['p1']);
  expect(socket.sends).toEqual(['p1']);
  expect(socket.state).toBe('closed');
});

test('whoever waits for a client hears that it is gone, and its answer is dropped', async () => {
  const { client, say, settle, socket } = connected();
  let heard = 0;
  client.onGone(() => heard++);
  say('p1');
  client.closed();
  await settle('p1');
  expect(heard).toBe(1);
  expect(socket.sends).toEqual([]);
});
