// Which of its metrics each client pushes, and how often (KIP-714), from the subscriptions that an operator has set.
//
// Promises: a client gets only the subscriptions that match it, gets a change with its next request, and may not push more
// or more often than that. What is pushed is counted and dropped: nothing here exports it. At most MOST_CLIENTS are
// remembered; the one that was silent longest is forgotten first, and is known again from its next request on.
import { type Clock, type Counter, ErrorCode, type Meter, type Random, Uuid, ZERO_UUID } from '@milepost/core';
import {
  type ClientMatchName,
  type ClientMetricsSubscription,
  type ClusterImage,
  subscriptionOf,
} from '@milepost/metadata';
import { crc32c } from '@milepost/records';

const MOST_CLIENTS = 16_384;
const DEFAULT_INTERVAL_MS = 300_000;
const ALL_METRICS = '*';
/** Uuids that Kafka reserves: zero and one. */
const RESERVED = new Set<string>([ZERO_UUID, '00000000-0000-0000-0000-000000000001']);
/** none, gzip, snappy, lz4, zstd. */
const COMPRESSION_TYPES = [0, 1, 2, 3, 4];
/** In the order of preference. */
const ACCEPTED_COMPRESSION_TYPES = [4, 3, 1, 2];

export type ClientProperties = Readonly<Record<Exclude<ClientMatchName, 'client_instance_id'>, string>>;

export interface ClientTelemetryDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly meter: Meter;
  readonly image: () => ClusterImage;
  /** telemetry.max.bytes */
  readonly maxBytes: number;
}

interface Client {
  subscriptionsOf: ClusterImage['clientMetricsConfigs'];
  readonly subscriptionId: number;
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  askedAtMs: number;
  pushedAtMs: number;
  isTerminating: boolean;
  lastError: ErrorCode;
}

export interface Push {
  readonly clientInstanceId: Uuid;
  readonly subscriptionId: number;
  readonly terminating: boolean;
  readonly compressionType: number;
  readonly metrics: Uint8Array;
}

export class ClientTelemetry {
  readonly #deps: ClientTelemetryDeps;
  readonly #pushes: Counter;
  readonly #pushedBytes: Counter;
  /** In the order of their last requests. */
  readonly #clients = new Map<Uuid, Client>();
  #configs: ClusterImage['clientMetricsConfigs'] | undefined;
  #subscriptions: readonly ClientMetricsSubscription[] = [];

  constructor(deps: ClientTelemetryDeps) {
    this.#deps = deps;
    this.#pushes = deps.meter.counter('milepost_client_telemetry_pushes_total', "Pushes of clients' metrics taken.");
    this.#pushedBytes = deps.meter.counter('milepost_client_telemetry_bytes_total', 'Bytes of them, as they came.');
  }

  /** What a client pushes. A client with the zero id gets an id as well. */
  subscribed(askedId: Uuid, properties: ClientProperties) {
    const clientInstanceId = askedId === ZERO_UUID ? Uuid(this.#deps.random.uuid()) : askedId;
    const client = this.#client(clientInstanceId, properties);
    const nowMs = this.#deps.clock.monotonic();
    const mayAskNow =
      nowMs - client.askedAtMs >= client.intervalMs ||
      client.lastError === ErrorCode.UNKNOWN_SUBSCRIPTION_ID ||
      client.lastError === ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    if (!mayAskNow) return { errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED, ...NOTHING_SUBSCRIBED };
    client.askedAtMs = nowMs;
    client.lastError = ErrorCode.NONE;
    return {
      errorCode: ErrorCode.NONE,
      clientInstanceId,
      subscriptionId: client.subscriptionId,
      acceptedCompressionTypes: ACCEPTED_COMPRESSION_TYPES,
      pushIntervalMs: client.intervalMs,
      telemetryMaxBytes: this.#deps.maxBytes,
      deltaTemporality: true,
      requestedMetrics: client.metrics,
    };
  }

  push(push: Push, properties: ClientProperties): ErrorCode {
    if (RESERVED.has(push.clientInstanceId)) return ErrorCode.INVALID_REQUEST;
    const client = this.#client(push.clientInstanceId, properties);
    const errorCode = this.#problem(push, client);
    client.isTerminating = push.terminating;
    client.lastError = errorCode;
    if (errorCode !== ErrorCode.NONE) return errorCode;
    this.#pushes.add(1);
    this.#pushedBytes.add(push.metrics.length);
    return ErrorCode.NONE;
  }

  #problem({ terminating, subscriptionId, compressionType, metrics }: Push, client: Client): ErrorCode {
    if (client.isTerminating) return ErrorCode.INVALID_REQUEST;
    const nowMs = this.#deps.clock.monotonic();
    const isDue = nowMs - client.pushedAtMs >= client.intervalMs;
    if (isDue) client.pushedAtMs = nowMs;
    else if (!terminating) return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
    if (subscriptionId !== client.subscriptionId) return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
    if (!COMPRESSION_TYPES.includes(compressionType)) return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
    return metrics.length > this.#deps.maxBytes ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.NONE;
  }

  /** The client as it is known, or renewed if its subscriptions have changed since. */
  #client(id: Uuid, properties: ClientProperties): Client {
    const { clientMetricsConfigs } = this.#deps.image();
    let client = this.#clients.get(id);
    if (client?.subscriptionsOf !== clientMetricsConfigs) {
      const evaluated = this.#evaluated(id, properties);
      if (client?.subscriptionId === evaluated.subscriptionId) client.subscriptionsOf = clientMetricsConfigs;
      else client = evaluated;
    }
    this.#clients.delete(id);
    this.#clients.set(id, client);
    if (this.#clients.size > MOST_CLIENTS) this.#clients.delete(this.#clients.keys().next().value as Uuid);
    return client;
  }

  #evaluated(id: Uuid, properties: ClientProperties): Client {
    const { clientMetricsConfigs } = this.#deps.image();
    if (clientMetricsConfigs !== this.#configs) {
      this.#configs = clientMetricsConfigs;
      this.#subscriptions = [...clientMetricsConfigs.values()].map(subscriptionOf);
    }
    const own = { ...properties, client_instance_id: id };
    const matching = this.#subscriptions.filter(({ match }) =>
      [...match].every(([name, pattern]) => pattern.matches(own[name])),
    );
    const wanted = new Set(matching.flatMap(({ metrics }) => metrics));
    const metrics = wanted.has(ALL_METRICS) ? [ALL_METRICS] : [...wanted].toSorted((a, b) => (a < b ? -1 : 1));
    const intervalMs = Math.min(DEFAULT_INTERVAL_MS, ...matching.map((one) => one.intervalMs));
    return {
      subscriptionsOf: clientMetricsConfigs,
      subscriptionId: crc32c(Buffer.from(`${metrics.join()} ${intervalMs} ${id}`)) | 0,
      metrics,
      intervalMs,
      askedAtMs: Number.NEGATIVE_INFINITY,
      pushedAtMs: Number.NEGATIVE_INFINITY,
      isTerminating: false,
      lastError: ErrorCode.NONE,
    };
  }
}

const NOTHING_SUBSCRIBED = {
  clientInstanceId: ZERO_UUID,
  subscriptionId: 0,
  acceptedCompressionTypes: [],
  pushIntervalMs: 0,
  telemetryMaxBytes: 0,
  deltaTemporality: false,
  requestedMetrics: [],
};
