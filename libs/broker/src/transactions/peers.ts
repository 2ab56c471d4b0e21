// The requests of this broker's transactions to other brokers: markers to the leaders of partitions, questions to
// coordinators.
//
// Promises: a request resolves with its response or rejects with PeerUnreachable. A response that is slow delays no other
// request while there are few: each uses a connection on which nothing is pending. When a broker is gone or has moved, its
// pending requests are rejected at once.
// Never: retries.
import type { Address, BrokerId } from '@milepost/core';
import { type ClusterImage, isAlive } from '@milepost/metadata';
import { type PeerConnection, PeerUnreachable } from '@milepost/peer';
import type { BrokerConnections } from './ports.ts';
import type { AnyApi, RequestInput, ResponseOutput } from '@milepost/wire';

/** To one broker. Requests beyond that share them. */
const MAX_CONNECTIONS = 8;
/** The other side responds to markers within Kafka's default request.timeout.ms, 30 s. */
const TIMEOUT_MS = 40_000;

export interface PeersDeps {
  readonly brokerId: BrokerId;
  readonly image: () => ClusterImage;
  readonly interBroker: BrokerConnections;
}

interface Line {
  readonly connection: PeerConnection;
  pending: number;
}

interface Peer {
  readonly address: Address;
  readonly lines: Line[];
}

export class Peers {
  readonly #deps: PeersDeps;
  readonly #peers = new Map<BrokerId, Peer>();
  #isClosed = false;

  constructor(deps: PeersDeps) {
    this.#deps = deps;
  }

  /** In the newest version. @throws PeerUnreachable */
  async request<A extends AnyApi>(broker: BrokerId, api: A, body: RequestInput<A>): Promise<ResponseOutput<A>> {
    const line = this.#lineTo(broker);
    line.pending += 1;
    try {
      return await line.connection.request(api, api.newest, body);
    } finally {
      line.pending -= 1;
    }
  }

  /** Call with each newer image: rejects what waits for brokers that are gone or have another address. */
  follow(image: ClusterImage): void {
    for (const [id, peer] of this.#peers) {
      const broker = isAlive(image, id) ? image.brokers.get(id) : undefined;
      const address = broker && this.#deps.interBroker.addressOf(broker);
      if (address?.host === peer.address.host && address.port === peer.address.port) continue;
      this.#peers.delete(id);
      closeAll(peer);
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const peer of this.#peers.values()) closeAll(peer);
    this.#peers.clear();
  }

  #lineTo(broker: BrokerId): Line {
    if (this.#isClosed) throw new PeerUnreachable('this broker is closing');
    const { lines } = this.#peerOf(broker);
    const open = lines.filter(({ connection }) => !connection.isClosed);
    lines.splice(0, lines.length, ...open);
    const [idlest] = open.toSorted((one, other) => one.pending - other.pending);
    if (idlest && (idlest.pending === 0 || open.length >= MAX_CONNECTIONS)) return idlest;
    const { interBroker, brokerId } = this.#deps;
    const clientId = `broker-${brokerId}-transactions`;
    const line = { connection: interBroker.connectTo(broker, { clientId, timeoutMs: TIMEOUT_MS }), pending: 0 };
    lines.push(line);
    return line;
  }

  #peerOf(broker: BrokerId): Peer {
    const known = this.#peers.get(broker);
    if (known) return known;
    const registered = this.#deps.image().brokers.get(broker);
    if (!registered) throw new PeerUnreachable(`broker ${broker} is not registered`);
    const peer = { address: this.#deps.interBroker.addressOf(registered), lines: [] };
    this.#peers.set(broker, peer);
    return peer;
  }
}

function closeAll({ lines }: Peer): void {
  for (const { connection } of lines) connection.close();
}
