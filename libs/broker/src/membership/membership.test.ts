import { BrokerId, silentLogger, Uuid } from '@milepost/core';
import { type LeaseClaim, MemoryBrokerLeases, MemoryMetadataDatabase, StoreUnavailable } from '@milepost/metadata';
import { ManualClock, settled } from '../../../core/src/testing/manual-clock.ts';
import { BrokerIdInUse, Membership } from './membership.ts';

const HEARTBEAT_MS = 2_000;
const SESSION_MS = 15_000;

/** Processes that claim to be broker 1, on one database and one clock. */
class Cluster {
  readonly clock = new ManualClock();
  readonly database = new MemoryMetadataDatabase();
  readonly lines: string[] = [];
  /** The processes whose heartbeats do not arrive any more. */
  readonly crashed = new Set<number>();
  /** Attempts that begin now hang until their time is over. */
  isSilent = false;

  /** How long the lease of broker 1 lasts. */
  get remainingMs(): number {
    return (this.database.leases.get(BrokerId(1))?.untilMs ?? 0) - this.clock.now();
  }

  join(n: number, more: Partial<LeaseClaim> = {}): Promise<Membership> {
    const say = (_: object, message: string): void => void this.lines.push(message);
    const claim: LeaseClaim = {
      brokerId: BrokerId(1),
      incarnation: Uuid(`00000000-0000-4000-8000-00000000000${n}`),
      host: `host-${n}`,
      port: 9092,
      place: `host-${n}:/data`,
      sessionTimeoutMs: SESSION_MS,
      predecessors: [],
      ...more,
    };
    const leases = new MemoryBrokerLeases(this.database, this.clock);
    const deps = {
      clock: this.clock,
      logger: { ...silentLogger, warn: say, error: say },
      leases: {
        hold: (one: LeaseClaim, timeoutMs: number) => {
          if (this.crashed.has(n)) return new Promise<never>(() => {});
          return this.isSilent ? this.#silence(timeoutMs) : leases.hold(one);
        },
        all: async () => new Map(),
        release: leases.release.bind(leases),
        close: leases.close.bind(leases),
      },
      claim,
      heartbeatIntervalMs: HEARTBEAT_MS,
    };
    return Membership.join(deps, (attempt) => attempt(), new AbortController().signal);
  }

  #silence(timeoutMs: number): Promise<never> {
    return new Promise((_, reject) => {
      this.clock.after(timeoutMs, () => reject(new StoreUnavailable('no response in time')));
    });
  }
}

test('a second process is refused as soon as the first has shown that it is alive, in a line that names it', async () => {
  const cluster = new Cluster();
  await cluster.join(1);
  const refused = cluster.join(2).catch((failure: unknown) => failure);
  await cluster.clock.advance(2 * HEARTBEAT_MS);
  const failure = (await refused) as Error;
  expect(failure).toBeInstanceOf(BrokerIdInUse);
  expect(failure.message).toMatch(/^broker 1 of this database is alive at host-1:9092 since \d{4}-.*: stop that one/);
  expect(cluster.clock.monotonic()).toBeLessThan(SESSION_MS);
});

test('the successor of a crashed process elsewhere gets the id when the lease has ended', async () => {
  const cluster = new Cluster();
  await cluster.join(1);
  await cluster.clock.advance(HEARTBEAT_MS);
  cluster.crashed.add(1);
  let isJoined = false;
  const joining = cluster.join(2).then(() => (isJoined = true));
  await cluster.clock.advance(SESSION_MS - 1);
  expect(isJoined).toBe(false);
  await cluster.clock.advance(2);
  await joining;
  expect(cluster.lines).toEqual([expect.stringMatching(/^broker 1 was host-1:9092 a moment ago: waiting/)]);
});

test('a process that left frees the id immediately', async () => {
  const cluster = new Cluster();
  const first = await cluster.join(1);
  await first.leave();
  await cluster.join(2);
  expect(cluster.clock.monotonic()).toBe(0);
  await cluster.clock.advance(10 * SESSION_MS);
  expect(first.lostTo).toBeUndefined();
});

test('a database that is away for an hour costs no process its id, and nothing is logged', async () => {
  const cluster = new Cluster();
  const only = await cluster.join(1);
  cluster.database.available = false;
  await cluster.clock.advance(3_600_000);
  expect(only.lostTo).toBeUndefined();
  cluster.database.available = true;
  await cluster.clock.advance(HEARTBEAT_MS);
  expect(only.lostTo).toBeUndefined();
  const refused = cluster.join(2).catch((failure: unknown) => failure);
  await cluster.clock.advance(2 * HEARTBEAT_MS);
  expect(await refused).toBeInstanceOf(BrokerIdInUse);
  expect(cluster.lines.filter((line) => line.includes('lease of this broker'))).toEqual([]);
});

test('a lease outlives an absence of the database that is too short for others to notice', async () => {
  const ended: string[] = [];
  for (let sinceHeartbeatMs = 0; sinceHeartbeatMs < HEARTBEAT_MS; sinceHeartbeatMs += 250)
    for (let absenceMs = SESSION_MS / 2; absenceMs > SESSION_MS / 4; absenceMs -= 250) {
      const cluster = new Cluster();
      await cluster.join(1);
      await cluster.clock.advance(HEARTBEAT_MS + sinceHeartbeatMs);
      cluster.isSilent = true;
      await cluster.clock.advance(absenceMs);
      cluster.isSilent = false;
      while (cluster.remainingMs > 0 && cluster.remainingMs < SESSION_MS - HEARTBEAT_MS)
        await cluster.clock.advance(100);
      if (cluster.remainingMs <= 0) ended.push(`${absenceMs} ms, ${sinceHeartbeatMs} ms after a heartbeat`);
    }
  expect(ended).toEqual([]);
});

test('a process that has lost its id to another logs it once, and is notified once', async () => {
  const cluster = new Cluster();
  const first = await cluster.join(1);
  let calls = 0;
  first.onLost(() => calls++);
  const row = cluster.database.leases.get(BrokerId(1));
  if (row) cluster.database.leases.set(BrokerId(1), { ...row, untilMs: 0 }); // it was frozen for too long
  await cluster.join(2);
  await cluster.clock.advance(10 * SESSION_MS);
  expect(calls).toBe(1);
  expect(first.lostTo).toMatch(/^host-2:9092 is broker 1 since /);
  expect(cluster.lines.filter((line) => line.includes('acknowledges nothing more'))).toHaveLength(1);
});

test('a database that was restored to before this life does not end it', async () => {
  const cluster = new Cluster();
  const former = await cluster.join(1);
  await former.leave();
  const backup = cluster.database.backup();
  const present = await cluster.join(2);
  cluster.database.restore(backup);
  await cluster.clock.advance(HEARTBEAT_MS);
  await settled();
  expect(present.lostTo).toBeUndefined();
  expect(cluster.database.leases.get(BrokerId(1))?.host).toBe('host-2');
});

test('a database that was set back to before any life of this broker does not end it', async () => {
  const cluster = new Cluster();
  const backup = cluster.database.backup();
  const present = await cluster.join(1);
  cluster.database.restore(backup);
  await cluster.clock.advance(HEARTBEAT_MS);
  expect(present.lostTo).toBeUndefined();
  expect(cluster.database.leases.get(BrokerId(1))).toMatchObject({ host: 'host-1', epoch: 2 });
});

test('a database that was set back to another life, which seems alive, does not end this one', async () => {
  const cluster = new Cluster();
  await cluster.join(1);
  const backup = cluster.database.backup();
  cluster.crashed.add(1);
  const joining = cluster.join(2);
  await cluster.clock.advance(SESSION_MS);
  const present = await joining;
  const row = backup.leases.get(BrokerId(1));
  const untilMs = cluster.clock.now() + SESSION_MS;
  cluster.database.restore({ ...backup, leases: new Map(row && [[BrokerId(1), { ...row, untilMs }]]) });
  await cluster.clock.advance(HEARTBEAT_MS);
  expect(present.lostTo).toBeUndefined();
  expect(cluster.database.leases.get(BrokerId(1))?.host).toBe('host-2');
});

test('whoever asks for the lease to be confirmed learns that it is lost before the next heartbeat', async () => {
  const cluster = new Cluster();
  const first = await cluster.join(1);
  expect(await first.confirm()).toBe(true);
  const row = cluster.database.leases.get(BrokerId(1));
  if (row) cluster.database.leases.set(BrokerId(1), { ...row, untilMs: 0 }); // it was frozen for too long
  await cluster.join(2);
  expect(await first.confirm()).toBe(false);
  expect(first.lostTo).toMatch(/^host-2:9092 is broker 1 since /);
});
