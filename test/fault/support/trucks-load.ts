// Trucks that publish numbered positions with QoS 1 as fast as they are acknowledged, and continue when the gateway is
// back.
import { connect, type MqttClient } from 'mqtt';

const ON_THE_WAY = 3;
const RECONNECT_MS = 100;

export class Truck {
  readonly truckId: string;
  /** In the order of the acknowledgements. */
  readonly acknowledged: number[] = [];
  /** The number of its connections. */
  connects = 0;
  readonly #client: MqttClient;
  #next: number;
  #isOver = false;

  constructor(truckId: string, port: number, firstNumber = 0) {
    this.truckId = truckId;
    this.#next = firstNumber;
    this.#client = connect(`mqtt://127.0.0.1:${port}`, {
      clientId: truckId,
      reconnectPeriod: RECONNECT_MS,
      connectTimeout: 10_000,
    });
    this.#client.on('error', () => {});
    this.#client.on('connect', () => void this.connects++);
    for (let lane = 0; lane < ON_THE_WAY; lane++) void this.#lane();
  }

  /** Pending publishes are given up; the client does not report all of them. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#client.endAsync(true);
  }

  /** A publish outlives its connection: it is resent, marked as a duplicate, on the next one. */
  async #lane(): Promise<void> {
    while (!this.#isOver) {
      const number = this.#next++;
      const payload = JSON.stringify({ lat: 57.7, lon: 11.97, odometerM: number });
      const isAcknowledged = await this.#client.publishAsync(`trucks/${this.truckId}/gps`, payload, { qos: 1 }).then(
        () => true,
        () => false,
      );
      if (isAcknowledged) this.acknowledged.push(number);
    }
  }
}
