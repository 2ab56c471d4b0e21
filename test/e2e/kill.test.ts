// The promise under the hardest stop of a process: a position with a PUBACK is in the log afterwards, in the device's
// own order.
import { connectAsync, type MqttClient } from 'mqtt';
import { readAll } from './support/log-reader.ts';
import { testSettings, dataFolder, Program } from './support/program.ts';
import { until } from './support/until.ts';

const ROUNDS = 10;
const TRUCKS = 20;
const LOAD_MS = 1_000;

/** The minimum of acknowledgements for each truck before the kill. */
const LEAST_OF_ROUND = 2;

/** One truck that publishes numbered positions as fast as they are acknowledged, several in flight. */
class Device {
  readonly truckId: string;
  readonly acknowledged: number[] = [];
  #next = 0;

  constructor(index: number) {
    this.truckId = `kill-${index}`;
  }

  /** Until the connection ends. An unacknowledged position is not resent: its number is left out. */
  async publishUntilCut(port: number): Promise<void> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, clientId: this.truckId });
    const cut = new Promise<void>((resolve) => client.once('close', resolve));
    client.on('error', () => {});
    const lanes = Array.from({ length: 5 }, () => this.#lane(client));
    await cut;
    client.end(true); // this also rejects the pending publishes
    await Promise.all(lanes);
  }

  async #lane(client: MqttClient): Promise<void> {
    while (client.connected) {
      const number = this.#next++;
      const payload = JSON.stringify({ lat: 57.7, lon: 11.97, odometerM: number });
      const arrived = await client.publishAsync(`trucks/${this.truckId}/gps`, payload, { qos: 1 }).then(
        () => true,
        () => false,
      );
      if (!arrived) return;
      this.acknowledged.push(number);
    }
  }
}

test(
  'ten times kill -9 under load: every acknowledged position is there, in order per truck',
  async () => {
    const env = { ...testSettings, MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' };
    const devices = Array.from({ length: TRUCKS }, (_, index) => new Device(index));
    for (let round = 0; round < ROUNDS; round++) {
      const program = await Program.start('appliance', env);
      const publishing = devices.map((device) => device.publishUntilCut(program.ports.mqtt));
      const before = devices.map(({ acknowledged }) => acknowledged.length);
      await new Promise((resolve) => setTimeout(resolve, LOAD_MS)); // the load's length, not a wait for a condition
      await until('every truck is in the middle of its load', () =>
        devices.every(({ acknowledged }, index) => acknowledged.length - (before[index] ?? 0) >= LEAST_OF_ROUND),
      );
      await program.kill();
      await Promise.all(publishing);
    }
    const program = await Program.start('appliance', env);
    const seen = Map.groupBy(await readAll(program.ports.kafka, 'truck_gps'), ({ key }) => key);
    for (const { truckId, acknowledged } of devices) {
      const numbers = (seen.get(truckId) ?? []).map(
        ({ value }) => (JSON.parse(value) as { odometerM: number }).odometerM,
      );
      const firsts = [...new Set(numbers)]; // resent after a lost response, a position may be there twice
      const found = new Set(numbers);
      expect(acknowledged.filter((number) => !found.has(number))).toEqual([]);
      expect(firsts).toEqual([...firsts].sort((a, b) => a - b));
      expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS * LEAST_OF_ROUND);
    }
    expect(await program.stop()).toBe(0);
  },
  15 * 60_000,
);
