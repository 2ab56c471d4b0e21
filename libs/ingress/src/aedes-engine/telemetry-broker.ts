// aedes without its costs for telemetry. Live subscribers receive telemetry immediately and at QoS 0: a consumer that
// needs every position reads the log. Telemetry without subscribers skips aedes's fan-out. A message that no route
// takes is ordinary MQTT among devices, at its own QoS. A subscriber that does not keep up misses QoS 0 messages, and
// never slows a publisher.
import { filtersOverlap } from '@milepost/routes';
import { Aedes, type Client, type PublishPacket } from 'aedes';
import type { RetainedMessages } from '../sessions/retained-messages.ts';
import type { SessionPersistence } from './session-persistence.ts';

/** Packets that a device may send after its CONNECT, before the response. */
const MAX_EARLY_PACKETS = 10_000;
/** Cached MQTT topics, with whether they are telemetry; emptied when full. */
const MAX_KNOWN_TOPICS = 50_000;

export class TelemetryBroker extends Aedes {
  #telemetry: readonly string[];
  /** Subscribed filters, with the number of their subscribers. */
  readonly #subscribed = new Map<string, number>();
  /** Those that telemetry could match. */
  readonly #listeners = new Set<string>();
  readonly #kinds = new Map<string, boolean>();
  readonly #retained: RetainedMessages;

  constructor(telemetry: readonly string[], retained: RetainedMessages, persistence: SessionPersistence) {
    super({ concurrency: 0, queueLimit: MAX_EARLY_PACKETS, persistence });
    this.#telemetry = telemetry;
    this.#retained = retained;
  }

  /** Other topics are telemetry from now on. */
  reroute(telemetry: readonly string[]): void {
    this.#telemetry = telemetry;
    this.#kinds.clear();
    this.#listeners.clear();
    for (const filter of this.#subscribed.keys()) if (this.#hearsDevices(filter)) this.#listeners.add(filter);
  }

  override publish(packet: DevicePublish, client: Client | Done | null, done: Done = nothing): void {
    const publish = super.publish.bind(this) as unknown as (packet: PublishPacket, client: unknown, done: Done) => void;
    if (packet.deviceQos === undefined) {
      publish(packet, client, done); // aedes's own notifications
      return;
    }
    if (packet.isHushed) return done();
    const retain = packet.retain && this.#retained.accepts(packet);
    const isTelemetry = this.#isTelemetry(packet.topic);
    const hasListeners = isTelemetry ? this.#listeners.size > 0 : !packet.topic.startsWith('$');
    if (retain || hasListeners) {
      const qos = isTelemetry ? 0 : packet.deviceQos;
      publish({ ...packet, qos, retain, dup: false }, client, nothing);
    }
    done(); // a slow subscriber does not slow the publisher
  }

  override subscribe(filter: string, deliver: Deliver, done: () => void): void {
    this.#subscribed.set(filter, (this.#subscribed.get(filter) ?? 0) + 1);
    if (this.#hearsDevices(filter)) this.#listeners.add(filter);
    super.subscribe(filter, deliver, done);
  }

  override unsubscribe(filter: string, deliver: Deliver, done: () => void): void {
    const count = this.#subscribed.get(filter) ?? 0;
    if (count > 1) this.#subscribed.set(filter, count - 1);
    else {
      this.#subscribed.delete(filter);
      this.#listeners.delete(filter);
    }
    super.unsubscribe(filter, deliver, done);
  }

  #hearsDevices(filter: string): boolean {
    return this.#telemetry.some((route) => filtersOverlap(route, filter));
  }

  #isTelemetry(topic: string): boolean {
    const known = this.#kinds.get(topic);
    if (known !== undefined) return known;
    const isTelemetry = this.#hearsDevices(topic);
    if (this.#kinds.size >= MAX_KNOWN_TOPICS) this.#kinds.clear();
    this.#kinds.set(topic, isTelemetry);
    return isTelemetry;
  }
}

export type DevicePublish = PublishPacket & {
  /** The QoS of the device's packet, before it was made ours; absent for packets of aedes itself. */
  deviceQos?: 0 | 1 | 2;
  /** A repetition: subscribers have received it. */
  isHushed?: boolean;
};
export type Done = (error?: Error) => void;
type Deliver = Parameters<Aedes['subscribe']>[1];
const nothing = (): void => {};
