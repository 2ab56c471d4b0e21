import { type Clock, type Connection, type Logger, MalformedMessage, silentLogger } from '@milepost/core';
import { type Answer, ClientConnection } from './connection.ts';
import { MemoryBudget } from './memory-budget.ts';

const clock: Clock = { now: () => 0, monotonic: () => 0, after: () => () => {} };

class FakeSocket implements Connection {
  readonly remote = { host: '192.0.2.1', port: 5000 };
  readonly local = { host: '127.0.0.1', port: 9092 };
  readonly pendingBytes = 0;
  readonly sends: string[] = [];
  state: 'open' | 'closed' | 'aborted' = 'open';
  flowing = true;
  takesMore = true;

  takesAll = true;
  readonly #untaken: (() => void)[] = [];

  send(bytes: readonly Uint8Array[], taken: () => void): boolean {
    this.sends.push(Buffer.concat(bytes).toString());
    this.#untaken.push(taken);
    if (this.takesAll) this.take();
    return this.takesMore;
  }
  take(): void {
    for (const taken of this.#untaken.splice(0)) taken();
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

/** Frames are words; `p…` may overlap. Each is answered by its own echo on the test's command. */
function connected(
  logger: Logger = silentLogger,
  { memory = new MemoryBudget({ requestBytes: -1, answerBytes: 1e9 }), requestMaxBytes = 1000 } = {},
) {
  const socket = new FakeSocket();
  const asked: string[] = [];
  const frames: Buffer[] = [];
  const answer = new Map<string, (answer: Answer) => void>();
  const client = new ClientConnection(socket, {
    listener: 'PLAINTEXT',
    clock,
    logger,
    requestMaxBytes,
    memory,
    dispatch: {
      mayOverlap: (frame) => frame.toString().startsWith('p'),
      isReadAtOnce: (frame) => frame.toString().startsWith('brief'),
      dispatch: (frame) => {
        const word = frame.toString();
        asked.push(word);
        frames.push(frame);
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
  return { client, socket, asked, frames, say, settle };
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

test('responses leave in the order of the requests, whichever is done first', async () => {
  const { say, settle, socket, asked } = connected();
  say('p1', 'p2', 'p3');
  expect(asked).toEqual(['p1', 'p2', 'p3']);
  await settle('p3');
  await settle('p2');
  expect(socket.sends).toEqual([]);
  await settle('p1');
  expect(socket.sends).toEqual(['p1p2p3']);
});

test('an exclusive request waits for those before it and holds back those after it', async () => {
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

test('immediate responses leave in one write', () => {
  const { say, socket } = connected();
  say('now1', 'now2', 'now3');
  expect(socket.sends).toEqual(['now1now2now3']);
});

test('a frame may arrive in any number of pieces', () => {
  const { client, socket } = connected();
  for (const byte of framed('now')) client.bytes(Buffer.from([byte]));
  expect(socket.sends).toEqual(['now']);
});

test('a request gets its own copy of its bytes, unless it is dispatched and read immediately', async () => {
  const { client, socket, frames, settle } = connected();
  const words = ['commit', 'brief', 'later'];
  const chunk = Buffer.concat(words.map(framed));
  client.bytes(chunk);
  chunk.fill('.');
  for (const word of words) await settle(word);
  expect(frames.map(String)).toEqual(words); // `brief` had to wait
  const brief = framed('brief');
  client.bytes(brief);
  brief.fill('.');
  await settle('brief');
  expect(String(frames.at(-1))).toBe('.....');
  expect(socket.sends).toEqual([...words, 'brief']);
});

test('a request without a response does not delay the next response', async () => {
  const { say, settle, socket } = connected();
  say('p1', 'p2');
  await settle('p1', 'none');
  await settle('p2');
  expect(socket.sends).toEqual(['p2']);
});

test('a client that does not read is not read from either, and continues when it reads again', async () => {
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

test('the number of pending requests is limited: the rest waits', async () => {
  const { say, settle, asked, socket } = connected();
  say(...Array.from({ length: 300 }, (_, index) => `p${index}`));
  expect(asked).toHaveLength(256);
  expect(socket.flowing).toBe(false);
  await settle('p0');
  expect(asked).toHaveLength(257);
});

test('a malformed request ends the connection, after the pending responses', async () => {
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

test('an impossible frame length ends the connection', () => {
  const warnings: string[] = [];
  const { client, socket } = connected({ ...silentLogger, warn: (_, message) => warnings.push(message) });
  client.bytes(Buffer.from([0x7f, 0xff, 0xff, 0xff]));
  expect(socket.state).toBe('closed');
  expect(warnings).toEqual([expect.stringContaining('2147483647')]);
});

test('a finished client gets its pending responses and then the end', async () => {
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

test('above the limit of queued requests no client is read from, until some are done', async () => {
  const memory = new MemoryBudget({ requestBytes: 10, answerBytes: 1e9 });
  const [one, other] = [connected(silentLogger, { memory }), connected(silentLogger, { memory })];
  one.say('p1-and-so-on');
  expect(memory.requestBytes).toBe(12);
  other.say('now'); // was sent before the client could be paused
  expect(other.socket.sends).toEqual(['now']);
  expect([one.socket.flowing, other.socket.flowing]).toEqual([false, false]);
  await one.settle('p1-and-so-on');
  expect([one.socket.flowing, other.socket.flowing]).toEqual([true, true]);
  expect(memory.requestBytes).toBe(0);
});

test('a huge request without room waits for its turn, small ones do not', async () => {
  const memory = new MemoryBudget({ requestBytes: 3_000_000, answerBytes: 1e9 });
  const join = () => connected(silentLogger, { memory, requestMaxBytes: 4_000_000 });
  const [first, second, small] = [join(), join(), join()];
  const huge = framed('p'.repeat(3_500_000));
  first.client.bytes(huge.subarray(0, 100_000));
  second.client.bytes(huge.subarray(0, 100_000));
  expect([first.socket.flowing, second.socket.flowing]).toEqual([true, false]);
  small.say('now');
  expect(small.socket.sends).toEqual(['now']);
  expect(small.socket.flowing).toBe(true);
  first.client.closed(); // it never sends the rest
  await ticks();
  expect(second.socket.flowing).toBe(true);
  second.client.bytes(huge.subarray(100_000));
  expect(second.asked).toHaveLength(1);
  expect(memory.requestBytes).toBe(3_500_000);
  second.client.closed();
  await second.settle('p'.repeat(3_500_000));
  expect(memory.requestBytes).toBe(0);
});

test('responses count until they are taken, or their client is gone', () => {
  const memory = new MemoryBudget({ requestBytes: -1, answerBytes: 1e9 });
  const { say, socket, client } = connected(silentLogger, { memory });
  socket.takesAll = false;
  say('now1', 'now2');
  expect(memory.answerBytes).toBe(8);
  socket.take();
  expect(memory.answerBytes).toBe(0);
  say('now3');
  expect(memory.answerBytes).toBe(4);
  client.closed();
  socket.take();
  expect(memory.answerBytes).toBe(0);
});

test('a waiter of a client is notified that it is gone, and its response is dropped', async () => {
  const { client, say, settle, socket } = connected();
  let heard = 0;
  client.onGone(() => heard++);
  say('p1');
  client.closed();
  await settle('p1');
  expect(heard).toBe(1);
  expect(socket.sends).toEqual([]);
});
