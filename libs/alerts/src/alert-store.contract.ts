// The promises of every AlertStore: progress, states and alerts change together, and only from the expected state.
import type { Alert, AlertStore, PartitionStep, TruckState } from './index.ts';

export interface AlertStoreUnderTest {
  connect(): Promise<AlertStore>;
  close(): Promise<void>;
}

const position = {
  truckId: 't-1',
  ts: '2026-11-22T10:00:00Z',
  lat: 57.70887,
  lon: 11.97,
  source: 'milepost',
};
const stateOf = (truckId: string, lastOffset: number): TruckState => ({
  truckId,
  lastOffset,
  lastHeardMs: 1_790_000_000_000,
  lastPosition: { ...position, truckId },
  rules: { speeding: { version: 3, firing: true } },
});
const alertOf = (partition: number, offset: number): Alert => ({
  alertId: `speeding-${partition}-${offset}`,
  rule: 'speeding',
  kind: 'speeding',
  truckId: 't-1',
  ts: '2026-11-22T10:00:00.000Z',
  message: 't-1 drives 95 km/h, limit 90',
  position,
});
const stepOf = (partition: number, expectedOffset: number, nextOffset: number, more: Partial<PartitionStep> = {}) => ({
  partition,
  expectedOffset,
  nextOffset,
  states: [],
  alerts: [],
  channels: ['webhook', 'truck_alerts'],
  ...more,
});

export function alertStoreContract(name: string, make: () => Promise<AlertStoreUnderTest>): void {
  describe(name, () => {
    let it: AlertStoreUnderTest;
    let store: AlertStore;
    beforeEach(async () => {
      it = await make();
      store = await it.connect();
      for (const partition of [0, 1, 2]) await store.load(partition);
    });
    afterEach(() => it.close());

    test('a partition that was never read begins at 0, without trucks', async () => {
      expect(await store.load(7)).toEqual({ nextOffset: 0, states: [] });
    });

    test('steps of several partitions are stored together, and read back by the next process', async () => {
      const steps = [
        stepOf(1, 0, 10, { states: [stateOf('t-1', 9), stateOf('t-2', 7)] }),
        stepOf(0, 0, 3, { states: [stateOf('t-3', 2)] }),
      ];
      expect(new Set(await store.commit(steps))).toEqual(new Set([0, 1]));
      const next = await it.connect();
      const { nextOffset, states } = await next.load(1);
      expect(nextOffset).toBe(10);
      expect(states.toSorted((a, b) => (a.truckId < b.truckId ? -1 : 1))).toEqual(steps[0]?.states);
      expect(await next.load(0)).toEqual({ nextOffset: 3, states: steps[1]?.states });
      expect(await next.load(2)).toEqual({ nextOffset: 0, states: [] });
    });

    test('a partition that another process has advanced is unchanged, and the others advance', async () => {
      await store.commit([stepOf(0, 0, 5, { states: [stateOf('t-1', 4)] })]);
      const moved = await store.commit([
        stepOf(0, 0, 6, { states: [stateOf('t-1', 5)], alerts: [alertOf(0, 5)] }),
        stepOf(1, 0, 6, { states: [stateOf('t-2', 5)], alerts: [alertOf(1, 5)] }),
      ]);
      expect(moved).toEqual([1]);
      expect(await store.load(0)).toEqual({ nextOffset: 5, states: [stateOf('t-1', 4)] });
      expect(await store.load(1)).toEqual({ nextOffset: 6, states: [stateOf('t-2', 5)] });
      const due = await store.due('webhook', 1, 10);
      expect(new Set(due.map(({ alert }) => alert.alertId))).toEqual(new Set(['speeding-1-5']));
    });

    test('of two concurrent calls with the same step, one succeeds', async () => {
      const other = await it.connect();
      const steps = [0, 1, 2].map((partition) => stepOf(partition, 0, 4, { alerts: [alertOf(partition, 3)] }));
      const [one, two] = await Promise.all([store.commit(steps), other.commit(steps.toReversed())]);
      expect([...one, ...two].toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
      expect(await store.due('webhook', 1, 100)).toHaveLength(3);
      expect(await store.due('truck_alerts', 1, 100)).toHaveLength(3);
    });

    test('an alert has one delivery for each channel, however often it is raised', async () => {
      await store.commit([stepOf(0, 0, 5, { alerts: [alertOf(0, 4)] })]);
      await store.commit([stepOf(0, 5, 5, { alerts: [alertOf(0, 4)], states: [stateOf('t-1', 4)] })]);
      for (const channel of ['truck_alerts', 'webhook'])
        expect(await store.due(channel, 1, 10)).toMatchObject([{ alert: alertOf(0, 4), attempts: 0, channel }]);
      expect(await store.due('nobody', 1, 10)).toEqual([]);
    });

    test('no steps change nothing', async () => {
      expect(await store.commit([])).toEqual([]);
    });
  });
}
