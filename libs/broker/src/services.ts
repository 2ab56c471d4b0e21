// What a handler receives: the broker's parts, and the request's client. Handlers keep no state between requests.
import type { ErrorCode, Host } from '@milepost/core';
import type { GroupCoordinator, TransactionCoordinator } from '@milepost/coordinators';
import type { ClusterImage } from '@milepost/metadata';
import type { AnyApi } from '@milepost/wire';
import type { Controller } from './parts/controller.ts';
import type { BrokerConfig, BrokerSettings } from './broker-config.ts';
import type { InternalTopic } from './groups/internal-topic.ts';
import type { Clients } from './parts/clients.ts';
import type { Peer } from './network/connection.ts';
import type { Storage } from './parts/storage.ts';
import type { QuotaClient } from './quotas/limits.ts';
import type { Permissions } from './security/permissions.ts';
import type { Sharing } from './share/sharing.ts';
import type { LocalMarkers } from './transactions/local-markers.ts';
import type { TransactionVerifier } from './transactions/ports.ts';

export interface Services {
  readonly host: Host;
  readonly config: BrokerConfig;
  readonly settings: BrokerSettings;
  /** The logs of the partitions led here. */
  readonly storage: Storage;
  /** Changes of the cluster's metadata. */
  readonly controller: Controller;
  readonly groups: GroupCoordinator;
  /** What share groups have in flight in the partitions led here. */
  readonly sharing: Sharing;
  readonly offsetsTopic: InternalTopic;
  readonly transactions: TransactionCoordinator;
  readonly transactionStateTopic: InternalTopic;
  readonly transactionVerifier: TransactionVerifier;
  /** Ends transactions in the partitions led here. */
  readonly markers: LocalMarkers;
  /** Quotas, memory, fetch sessions, telemetry and authorization of clients. */
  readonly clients: Clients;
  /** The APIs that this broker has handlers for and advertises. */
  readonly apis: readonly AnyApi[];
  /** The newest image that this broker serves. */
  image(): ClusterImage;
}

export interface Context {
  readonly services: Services;
  readonly apiVersion: number;
  /** '' for a client that does not name itself. */
  readonly clientId: string;
  readonly peer: Peer;
  /** What the client may do, by the ACLs when the request came. */
  readonly permissions: Permissions;
  /** The client's identity for quotas. */
  readonly quotaClient: QuotaClient;
  /**
   * A quota throttles the client: the response has the throttle time, and the connection is not read from until then
   * (KIP-219).
   */
  readonly throttle: (throttleMs: number) => void;
  /**
   * Calls `run` once, when the system has taken this request's response or it cannot be sent. Not for `none` and
   * `close`.
   */
  readonly whenTaken: (run: () => void) => void;
  /** The connection is closed after the response. */
  readonly closeAfter: () => void;
  /** Counts an error that is sent; NONE is not counted. */
  readonly count: (error: ErrorCode) => void;
}
