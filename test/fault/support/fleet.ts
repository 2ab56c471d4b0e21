// Trucks and the map that shows them, without anything else.
import { readAll } from '../../e2e/support/log-reader.ts';
import { until } from '../../e2e/support/until.ts';
import { cleanUpWith } from '../../support/program.ts';
import { check } from '../../support/run.ts';
import type { Appliance } from './appliance.ts';
import { Truck } from './trucks-load.ts';

const PROGRESS = 3;
const LIMIT_MS = 120_000;

export class Fleet {
  readonly trucks: readonly Truck[];
  readonly #appliance: Appliance;

  private constructor(appliance: Appliance, trucks: readonly Truck[]) {
    this.#appliance = appliance;
    this.trucks = trucks;
  }

  static start(appliance: Appliance, count: number): Fleet {
    const trucks = Array.from({ length: count }, (_, index) => new Truck(`truck-${index}`, appliance.ports.mqtt));
    const fleet = new Fleet(appliance, trucks);
    cleanUpWith(() => fleet.stop());
    return fleet;
  }

  /** Resolves when each truck has had more positions acknowledged since the call. */
  async goesOn(trucks = this.trucks): Promise<void> {
    const before = trucks.map(({ acknowledged }) => acknowledged.length);
    await until(
      'positions go on being acknowledged',
      () => trucks.every(({ acknowledged }, index) => acknowledged.length >= (before[index] ?? 0) + PROGRESS),
      LIMIT_MS,
    );
  }

  /** Resolves when the map shows each truck at its position of the call, or a later one. */
  async isOnTheMap(trucks = this.trucks): Promise<void> {
    const wanted = new Map(trucks.map(({ truckId, acknowledged }) => [truckId, Math.max(...acknowledged)]));
    await until(
      'the map shows the newest positions',
      async () => {
        const shown = await positionsOnTheMap(this.#appliance);
        return [...wanted].every(([truckId, number]) => (shown.get(truckId) ?? -1) >= number);
      },
      LIMIT_MS,
    );
  }

  /** Everything that was acknowledged is in the log. */
  async verify({ ports }: Appliance): Promise<void> {
    const found = Map.groupBy(await readAll(ports.kafka, 'truck_gps'), ({ key }) => key);
    for (const { truckId, acknowledged } of this.trucks) {
      const there = new Set((found.get(truckId) ?? []).map(({ value }) => numberOf(value)));
      const lost = acknowledged.filter((number) => !there.has(number));
      check(lost.length === 0, `${truckId}: every acknowledged position is there`, lost.slice(0, 5));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.trucks.map((truck) => truck.stop()));
  }
}

const numberOf = (value: string): number => (JSON.parse(value) as { odometerM: number }).odometerM;

/** By truck: the number of the shown position. */
async function positionsOnTheMap(appliance: Appliance): Promise<ReadonlyMap<string, number>> {
  const { features } = (await (await appliance.get('/api/trucks')).json()) as {
    features: readonly { readonly id: string; readonly properties: { readonly odometerM?: number } }[];
  };
  return new Map(features.map(({ id, properties }) => [id, properties.odometerM ?? -1]));
}
