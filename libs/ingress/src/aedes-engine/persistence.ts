// Changes to aedes's in-memory persistence. Four of its methods are replaced, each for a rule that it misses.
import { Readable } from 'node:stream';
import type { Client } from 'aedes';
import type { TelemetryBroker } from './telemetry-broker.ts';

interface Outgoing {
  readonly cmd: string;
  readonly messageId?: number;
  brokerId?: string;
  brokerCounter?: number;
}

interface Persistence {
  incomingGetPacket(client: Client, packet: { readonly cmd: string; readonly messageId?: number }): Promise<unknown>;
  outgoingUpdate(client: Client, packet: Outgoing): Promise<unknown>;
  outgoingStream(client: Client): Readable;
  addSubscriptions(client: Client, subscriptions: readonly Subscription[]): Promise<unknown>;
}

interface Subscription {
  readonly topic: string;
}

/** `released` is called for each PUBREL of a device. */
export function completePersistence(
  broker: TelemetryBroker,
  released: (client: Client, messageId: number) => void,
  maySubscribe: (client: Client, filter: string) => boolean,
): void {
  const { persistence } = broker as unknown as { persistence: Persistence };
  hearReleases(persistence, released);
  keepReleasesApart(persistence);
  markRedelivery(persistence);
  storePermitted(persistence, maySubscribe);
}

/** The lookup of aedes for every PUBREL, and for nothing else: no QoS 2 message of a device reaches its store. */
function hearReleases(persistence: Persistence, released: (client: Client, messageId: number) => void): void {
  persistence.incomingGetPacket = (client, { cmd, messageId }) => {
    if (cmd === 'pubrel' && messageId !== undefined) released(client, messageId);
    return Promise.reject(new Error('not kept here'));
  };
}

/**
 * A PUBREL replaces its PUBLISH in the queue, and has no broker's id. Two of them then compare as the same packet: the
 * second renumbered the first, and a QoS 2 message to a device that was away was never released.
 */
function keepReleasesApart(persistence: Persistence): void {
  const update = persistence.outgoingUpdate.bind(persistence);
  persistence.outgoingUpdate = (client, packet) => {
    if (packet.cmd === 'pubrel' && packet.messageId !== undefined) {
      packet.brokerId = 'pubrel';
      packet.brokerCounter = packet.messageId;
    }
    return update(client, packet);
  };
}

/** aedes would store the refused subscriptions of a packet too, and then queue their messages while the device is away. */
function storePermitted(persistence: Persistence, maySubscribe: (client: Client, filter: string) => boolean): void {
  const add = persistence.addSubscriptions.bind(persistence);
  persistence.addSubscriptions = (client, subscriptions) =>
    add(
      client,
      subscriptions.filter(({ topic }) => maySubscribe(client, topic)),
    );
}

/** A message that has a packet id was sent before: it is resent with DUP (MQTT-3.3.1-1). */
function markRedelivery(persistence: Persistence): void {
  const stream = persistence.outgoingStream.bind(persistence);
  persistence.outgoingStream = (client) =>
    Readable.from(
      stream(client).map((packet: Outgoing) =>
        packet.cmd === 'publish' && packet.messageId !== undefined ? { ...packet, dup: true } : packet,
      ),
    );
}
