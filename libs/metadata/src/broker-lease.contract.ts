// The promises of every BrokerLeases; run by the memory one, the simulated one and PostgreSQL's.
import { BrokerId, Uuid } from '@milepost/core';
import type { BrokerLeases, LeaseClaim } from './broker-lease.ts';

export interface BrokerLeasesUnderTest {
  /** Leases on the same data, as another process would open them. */
  connect(): Promise<BrokerLeases>;
  close(): Promise<void>;
}

const LONG_MS = 600_000;
/** No test here is about a database that is away, however slow the machine is. */
const TIMEOUT_MS = 120_000;
const incarnation = (n: number): Uuid => Uuid(`00000000-0000-4000-8000-${String(n).padStart(12, '0')}`);
const claimOf = (n: number, more: Partial<LeaseClaim> = {}): LeaseClaim => ({
  brokerId: BrokerId(1),
  incarnation: incarnation(n),
  host: `host-${n}`,
  port: 9000 + n,
  place: `machine-${n}:/data`,
  sessionTimeoutMs: LONG_MS,
  predecessors: [],
  ...more,
});

/** `make` gives an empty database. */
export function brokerLeasesContract(name: string, make: () => Promise<BrokerLeasesUnderTest>): void {
  describe(name, () => {
    let data: BrokerLeasesUnderTest;
    let one: BrokerLeases;
    let other: BrokerLeases;
    beforeEach(async () => {
      data = await make();
      one = await data.connect();
      other = await data.connect();
    });
    afterEach(() => data.close());

    test('a lease that is held is refused to another process, which learns its holder and its beginning', async () => {
      const held = await one.hold(claimOf(1), TIMEOUT_MS);
      expect(held).toEqual({ isHeld: true, epoch: 1 });
      const refused = await other.hold(claimOf(2), TIMEOUT_MS);
      const holder = { incarnation: incarnation(1), host: 'host-1', port: 9001, place: 'machine-1:/data', epoch: 1 };
      expect(refused).toMatchObject({ isHeld: false, holder });
      if (refused.isHeld) throw new Error('unreachable');
      expect(refused.holder.remainingMs).toBeGreaterThan(0);
      expect(refused.holder.remainingMs).toBeLessThanOrEqual(LONG_MS);
      expect(refused.holder.sinceMs).toBeGreaterThan(Date.parse('2020-01-01'));
    });

    test('of two concurrent claims of a free id, one succeeds', async () => {
      const outcomes = await Promise.all([one.hold(claimOf(1), TIMEOUT_MS), other.hold(claimOf(2), TIMEOUT_MS)]);
      expect(outcomes.filter(({ isHeld }) => isHeld)).toHaveLength(1);
    });

    test('its holder extends it, with its current address, and epoch and beginning do not change', async () => {
      await one.hold(claimOf(1, { port: 0 }), TIMEOUT_MS);
      const before = await other.hold(claimOf(2), TIMEOUT_MS);
      expect(await one.hold(claimOf(1, { epoch: 1 }), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 1 });
      const after = await other.hold(claimOf(2), TIMEOUT_MS);
      if (before.isHeld || after.isHeld) throw new Error('unreachable');
      expect(after.holder).toMatchObject({ port: 9001, epoch: 1, sinceMs: before.holder.sinceMs });
    });

    test('a lease that has ended goes to the next, and the former holder learns that it lost it', async () => {
      await one.hold(claimOf(1, { sessionTimeoutMs: 0 }), TIMEOUT_MS);
      expect(await other.hold(claimOf(2), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 2 });
      expect(await one.hold(claimOf(1, { epoch: 1 }), TIMEOUT_MS)).toMatchObject({
        isHeld: false,
        holder: { port: 9002, epoch: 2 },
      });
    });

    test('a lease that has ended can be extended by its holder if no other process has acquired it', async () => {
      await one.hold(claimOf(1, { sessionTimeoutMs: 0 }), TIMEOUT_MS);
      expect(await one.hold(claimOf(1, { epoch: 1 }), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 1 });
      expect(await other.hold(claimOf(2), TIMEOUT_MS)).toMatchObject({ isHeld: false });
    });

    test('a released lease is free immediately; releasing that of another does nothing', async () => {
      await one.hold(claimOf(1), TIMEOUT_MS);
      await other.release(BrokerId(1), incarnation(2));
      expect(await other.hold(claimOf(2), TIMEOUT_MS)).toMatchObject({ isHeld: false });
      await one.release(BrokerId(1), incarnation(1));
      expect(await other.hold(claimOf(2), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 2 });
    });

    test('a successor in the same place acquires the lease immediately; one that only knows the incarnation does not', async () => {
      await one.hold(claimOf(1), TIMEOUT_MS);
      const predecessors = [incarnation(1)];
      expect(await other.hold(claimOf(2, { predecessors }), TIMEOUT_MS)).toMatchObject({ isHeld: false });
      expect(await other.hold(claimOf(2, { place: 'machine-1:/data' }), TIMEOUT_MS)).toMatchObject({ isHeld: false });
      const successor = claimOf(2, { predecessors, place: 'machine-1:/data' });
      expect(await other.hold(successor, TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 2 });
    });

    test('a database that went back to an earlier holder does not affect the current one', async () => {
      await one.hold(claimOf(1), TIMEOUT_MS);
      expect(await other.hold(claimOf(2, { epoch: 5 }), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 6 });
      expect(await one.hold(claimOf(1, { epoch: 1 }), TIMEOUT_MS)).toMatchObject({
        isHeld: false,
        holder: { epoch: 6 },
      });
    });

    test('a database that knows no lease of an id any more gives it to its present holder, in a later epoch', async () => {
      expect(await one.hold(claimOf(1, { epoch: 5 }), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 6 });
      expect(await other.hold(claimOf(2), TIMEOUT_MS)).toMatchObject({ isHeld: false, holder: { epoch: 6 } });
    });

    test('all leases are listed, those that have ended too, with what remains of them', async () => {
      expect((await one.all(TIMEOUT_MS)).size).toBe(0);
      await one.hold(claimOf(1), TIMEOUT_MS);
      await other.hold(claimOf(2, { brokerId: BrokerId(2) }), TIMEOUT_MS);
      await other.release(BrokerId(2), incarnation(2));
      const leases = await one.all(TIMEOUT_MS);
      expect([...leases.keys()].toSorted((a, b) => a - b)).toEqual([1, 2]);
      expect(leases.get(BrokerId(1))).toMatchObject({ incarnation: incarnation(1), host: 'host-1', epoch: 1 });
      expect(leases.get(BrokerId(1))?.remainingMs).toBeGreaterThan(0);
      expect(leases.get(BrokerId(2))?.remainingMs).toBeLessThanOrEqual(0);
    });

    test('every id has its own lease', async () => {
      await one.hold(claimOf(1), TIMEOUT_MS);
      expect(await other.hold(claimOf(2, { brokerId: BrokerId(2) }), TIMEOUT_MS)).toEqual({ isHeld: true, epoch: 1 });
    });
  });
}
