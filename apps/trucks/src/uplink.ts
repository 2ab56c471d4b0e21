// One MQTT connection per truck, as in the field: a device may publish only under its own name. While the gateway is
// away a limited number of positions wait, and are sent in order when it is back.
import { setTimeout as pause } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import type { Publication } from './formats.ts';
import type { TrucksOptions } from './options.ts';

/** Waiting positions per truck; the oldest are dropped. */
const waitingLimit = 1_000;
/** Unacknowledged publishes per truck. */
const inFlightLimit = 20;
const reconnectMs = 2_000;
const closeLimitMs = 3_000;

export class Uplink {
  readonly #client: MqttClient;
  readonly #qos: 0 | 1 | 2;
  readonly #onPublished: () => void;
  readonly #waiting: Publication[] = [];
  #inFlight = 0;

  constructor(truckId: string, options: TrucksOptions, onPublished: () => void, onError: (error: Error) => void) {
    this.#qos = options.qos;
    this.#onPublished = onPublished;
    this.#client = mqtt.connect(options.mqtt, {
      clientId: truckId,
      protocolVersion: options.protocol === '5' ? 5 : 4,
      reconnectPeriod: reconnectMs,
      keepalive: 60,
      queueQoSZero: false,
      ...options.login,
      ...(options.isItself && { rejectUnauthorized: false }),
    });
    this.#client.on('connect', () => this.#flush());
    this.#client.on('error', onError);
  }

  get isConnected(): boolean {
    return this.#client.connected;
  }

  get pending(): number {
    return this.#waiting.length + this.#inFlight;
  }

  publish(publication: Publication): void {
    this.#waiting.push(publication);
    if (this.#waiting.length > waitingLimit) this.#waiting.shift();
    this.#flush();
  }

  /** Pending publishes get a moment to be acknowledged. */
  async close(): Promise<void> {
    const isForced = !this.#client.connected;
    await Promise.race([this.#client.endAsync(isForced), pause(closeLimitMs, undefined, { ref: false })]);
    if (!isForced) this.#client.end(true);
  }

  #flush(): void {
    while (this.#client.connected && this.#inFlight < inFlightLimit) {
      const publication = this.#waiting.shift();
      if (!publication) return;
      this.#inFlight += 1;
      this.#client.publish(publication.topic, publication.payload, { qos: this.#qos }, (error) => {
        this.#inFlight -= 1;
        if (!error) this.#onPublished();
        this.#flush();
      });
    }
  }
}
