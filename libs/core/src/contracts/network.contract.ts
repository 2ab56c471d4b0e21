// The promises of every Network.
import {
  type Address,
  AddressInUse,
  CLOSE_STALL_MS,
  type Connection,
  type ConnectionListener,
  type Network,
} from '../ports.ts';

export interface NetworkUnderTest {
  readonly network: Network;
  /** Resolves when the condition holds, letting time pass meanwhile. */
  readonly until: (condition: () => boolean) => Promise<void>;
  /** Settles like the promise, letting time pass meanwhile. */
  readonly settle: <Value>(promise: Promise<Value>) => Promise<Value>;
  /** Lets that much time pass. */
  readonly pass: (forMs: number) => Promise<void>;
}

/** Records what a connection receives. */
class Heard implements ConnectionListener {
  readonly chunks: Buffer[] = [];
  drains = 0;
  closes = 0;
  /** Bytes that arrived after `closed`. */
  late = 0;
  length = 0;
  isPaused = false;
  connection: Connection | undefined;
  #pause: (() => void) | undefined;

  bytes(chunk: Buffer): void {
    if (this.closes > 0) this.late += chunk.length;
    this.length += chunk.length;
    this.chunks.push(Buffer.from(chunk));
    this.#pause?.();
  }
  /** Pauses its connection once that many more bytes have arrived. */
  pauseAfter(moreBytes: number, connection: Connection): void {
    const end = this.length + moreBytes;
    this.isPaused = false;
    this.#pause = () => {
      if (this.length < end) return;
      this.#pause = undefined;
      this.isPaused = true;
      connection.pause();
    };
  }
  drained(): void {
    this.drains++;
  }
  closed(): void {
    this.closes++;
  }
  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

const ANY: Address = { host: '127.0.0.1', port: 0 };

export function networkContract(name: string, make: () => NetworkUnderTest): void {
  /** A connected client and server, with what each of them receives. */
  const connect = async ({ network, settle, until }: NetworkUnderTest) => {
    const server = new Heard();
    const client = new Heard();
    const listening = await settle(
      network.listen(ANY, (connection) => {
        server.connection = connection;
        return server;
      }),
    );
    const near = await settle(network.connect(listening.address, client));
    await until(() => server.connection !== undefined);
    return { listening, near, far: server.connection as Connection, client, server };
  };
  const end = async ({ until }: NetworkUnderTest, world: Awaited<ReturnType<typeof connect>>) => {
    world.near.close('abort');
    world.far.close('abort');
    await until(() => world.client.closes + world.server.closes === 2);
    await world.listening.close();
  };

  describe(`${name} is a Network`, () => {
    test('bytes arrive in the order of sending, in both directions at once', async () => {
      const under = make();
      const world = await connect(under);
      const lines = (from: string) => Array.from({ length: 500 }, (_, n) => `${from}${n},`);
      for (const line of lines('c'))
        world.near.send([Buffer.from(line.slice(0, 1)), Buffer.alloc(0), Buffer.from(line.slice(1))]);
      for (const line of lines('s')) world.far.send([Buffer.from(line)]);
      await under.until(() => world.server.text === lines('c').join('') && world.client.text === lines('s').join(''));
      expect(world.near.pendingBytes).toBe(0);
      await end(under, world);
    });

    test('each side has the other’s address', async () => {
      const under = make();
      const world = await connect(under);
      expect(world.listening.address.port).toBeGreaterThan(0);
      expect(world.near.remote).toEqual({ host: '127.0.0.1', port: world.listening.address.port });
      expect(world.far.local).toEqual(world.near.remote);
      expect(world.far.remote).toEqual(world.near.local);
      expect(world.far.remote.port).not.toBe(world.listening.address.port);
      await end(under, world);
    });

    test('a megabyte arrives whole', async () => {
      const under = make();
      const world = await connect(under);
      const bytes = Buffer.from(Array.from({ length: 1_000_003 }, (_, n) => (n * 31 + (n >> 7)) & 0xff));
      world.near.send([bytes.subarray(0, 17), bytes.subarray(17)]);
      await under.until(() => world.server.length === bytes.length);
      expect(Buffer.concat(world.server.chunks).equals(bytes)).toBe(true);
      await end(under, world);
    });

    test('a sender of more than is taken is stopped, and notified when to continue', async () => {
      const under = make();
      const world = await connect(under);
      world.far.pause();
      const part = Buffer.alloc(256 * 1024);
      let sent = 0;
      while (world.near.send([part])) {
        sent += part.length;
        expect(sent).toBeLessThan(64 * 1024 * 1024);
        if (world.near.pendingBytes === 0) await under.settle(Promise.resolve());
      }
      sent += part.length;
      expect(world.near.pendingBytes).toBeGreaterThan(1024 * 1024);
      expect(world.client.drains).toBe(0);
      world.far.resume();
      await under.until(() => world.client.drains === 1 && world.server.length === sent);
      expect(world.near.pendingBytes).toBe(0);
      expect(world.near.send([Buffer.from('x')])).toBe(true);
      await end(under, world);
    });

    test('bytes may change once they are taken: the sent bytes arrive', async () => {
      const under = make();
      const world = await connect(under);
      world.far.pause();
      const part = Buffer.alloc(64 * 1024);
      let taken = 0;
      const sendNext = (n: number): void => {
        if (n === 100) return;
        part.fill(n);
        world.near.send([Buffer.from([n]), part, Buffer.alloc(0)], () => {
          taken++;
          part.fill(0xee);
          sendNext(n + 1);
        });
      };
      sendNext(0);
      await under.settle(Promise.resolve());
      expect(taken).toBeLessThan(100);
      world.far.resume();
      await under.until(() => world.server.length === 100 * (1 + part.length));
      expect(taken).toBe(100);
      const came = Buffer.concat(world.server.chunks);
      const wrong = Array.from({ length: 100 }, (_, n) => n).filter((n) => {
        const at = n * (1 + part.length);
        return !came.subarray(at, at + 1 + part.length).every((byte) => byte === n);
      });
      expect(wrong).toEqual([]);
      await end(under, world);
    });

    test('bytes that will never leave are taken too, once', async () => {
      const under = make();
      const world = await connect(under);
      world.far.pause();
      const taken: number[] = [];
      for (let n = 0; n < 100; n++) world.near.send([Buffer.alloc(256 * 1024)], () => taken.push(n));
      world.near.send([], () => taken.push(100));
      await under.settle(Promise.resolve());
      expect(taken.length).toBeLessThan(100);
      world.near.close('abort');
      await under.until(() => world.client.closes === 1);
      world.near.send([Buffer.from('too late')], () => taken.push(101));
      expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 102 }, (_, n) => n));
      await end({ ...under, until: () => under.until(() => world.server.closes === 1) }, world);
    });

    test('while a connection is paused nothing is received, after that everything', async () => {
      const under = make();
      const world = await connect(under);
      world.far.pause();
      world.near.send([Buffer.from('held ')]);
      world.far.send([Buffer.from('ping')]);
      await under.until(() => world.client.text === 'ping');
      expect(world.server.text).toBe('');
      world.near.send([Buffer.from('back')]);
      world.far.resume();
      await under.until(() => world.server.text === 'held back');
      await end(under, world);
    });

    test('a close lets the sent bytes arrive first, and notifies both sides once', async () => {
      const under = make();
      const world = await connect(under);
      world.far.send([Buffer.alloc(300_000, 'a')]);
      world.far.close();
      world.far.close();
      expect(world.far.send([Buffer.from('too late')])).toBe(false);
      await under.until(() => world.client.closes + world.server.closes === 2);
      expect(world.client.length).toBe(300_000);
      world.near.close();
      await under.settle(Promise.resolve());
      expect([world.client.closes, world.server.closes, world.client.late, world.server.late]).toEqual([1, 1, 0, 0]);
      await world.listening.close();
    });

    test('a response before a close arrives although the peer continues to send', async () => {
      const under = make();
      const world = await connect(under);
      world.near.send([Buffer.alloc(500_000)]);
      world.far.send([Buffer.from('your frame is broken')]);
      world.far.close();
      world.near.send([Buffer.alloc(100_000)]);
      await under.until(() => world.client.closes + world.server.closes === 2);
      expect(world.client.text).toBe('your frame is broken');
      await world.listening.close();
    });

    test('a close ends a connection whose peer reads nothing, and releases the bytes queued for it', async () => {
      const under = make();
      const world = await connect(under);
      world.near.pause();
      let taken = 0;
      for (let n = 0; n < 100; n++) world.far.send([Buffer.alloc(256 * 1024)], () => taken++);
      await under.settle(Promise.resolve());
      expect(taken).toBeLessThan(100);
      world.far.close();
      await under.until(() => world.server.closes === 1);
      expect([taken, world.far.pendingBytes]).toEqual([100, 0]);
      world.near.close('abort');
      await under.until(() => world.client.closes === 1);
      await world.listening.close();
    });

    test('a close waits for a slow peer, while it takes bytes', async () => {
      const under = make();
      const world = await connect(under);
      const sizeBytes = 12 * 1024 * 1024; // more than two systems buffer
      world.near.pause();
      world.far.send([Buffer.alloc(sizeBytes)]);
      world.far.close();
      for (let pause = 0; pause < 5; pause++) {
        await under.pass(0.3 * CLOSE_STALL_MS);
        world.client.pauseAfter(256 * 1024, world.near);
        world.near.resume();
        await under.until(() => world.client.isPaused);
      }
      world.near.resume();
      await under.until(() => world.client.closes + world.server.closes === 2);
      expect(world.client.length).toBe(sizeBytes);
      await world.listening.close();
    });

    test('an abort ends both sides though the peer reads nothing', async () => {
      const under = make();
      const world = await connect(under);
      world.near.send([Buffer.alloc(100)]);
      world.far.close('abort');
      await under.until(() => world.server.closes === 1 && world.client.closes === 1);
      expect(world.near.send([Buffer.from('x')])).toBe(false);
      expect(world.near.pendingBytes).toBe(0);
      await world.listening.close();
    });

    test('a port in use is refused by name', async () => {
      const under = make();
      const { network, settle } = under;
      const first = await settle(network.listen(ANY, () => new Heard()));
      await expect(settle(network.listen(first.address, () => new Heard()))).rejects.toThrow(AddressInUse);
      await expect(settle(network.listen(first.address, () => new Heard()))).rejects.toThrow(
        `:${first.address.port} is in use`,
      );
      await first.close();
      const again = await settle(network.listen(first.address, () => new Heard()));
      await again.close();
    });

    test('when it stops listening, no new connection is accepted and open ones remain', async () => {
      const under = make();
      const world = await connect(under);
      await under.settle(world.listening.close());
      await expect(under.settle(under.network.connect(world.listening.address, new Heard()))).rejects.toThrow();
      world.near.send([Buffer.from('still here')]);
      await under.until(() => world.server.text === 'still here');
      await end(under, world);
    });
  });
}
