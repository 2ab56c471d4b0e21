// The first step of a start: this life gets an incarnation, recorded in the folder, and then acquires the lease of the
// broker's id.
import { type Host, Uuid } from '@milepost/core';
import type { BrokerLeases, BrokerState } from '@milepost/metadata';
import type { BrokerConfig, BrokerSettings } from '../broker-config.ts';
import { isOwnLife, type Lives, readLives, writeLives } from './lives.ts';
import { Membership } from './membership.ts';

export interface JoinDeps {
  readonly host: Host;
  readonly leases: BrokerLeases;
  readonly config: BrokerConfig;
  readonly settings: BrokerSettings;
  /** The registration that the database knows; undefined where there is none. */
  readonly registered: BrokerState | undefined;
  /** Waits for a database that is away. */
  readonly patiently: <T>(attempt: () => Promise<T>) => Promise<T>;
  readonly aborted: AbortSignal;
}

export interface Joined {
  readonly membership: Membership;
  /** The folder's record of earlier lives; undefined if it has none. */
  readonly past: Lives | undefined;
  /** Of this life. */
  readonly incarnation: Uuid;
}

/** The caller holds the folder's lock. @throws BrokerIdInUse, DiskFailed */
export async function joinCluster(deps: JoinDeps): Promise<Joined> {
  const { host, leases, config, settings, registered, patiently, aborted } = deps;
  const { brokerId, dataDir, advertised, listen, machine = '' } = config;
  const past = readLives(host.disk, dataDir);
  const predecessors = past?.incarnations ?? [];
  const incarnation = Uuid(host.random.uuid());
  const incarnations = [...predecessors, incarnation];
  const brokerEpoch = past && registered && isOwnLife(past, registered) ? registered.epoch : past?.brokerEpoch;
  // Recorded before the lease is acquired and the broker registered: if the response to either is lost, or this life ends
  // right after it, the next life still knows it.
  await writeLives(host, dataDir, { incarnations, brokerEpoch });
  const membership = await Membership.join(
    {
      clock: host.clock,
      logger: host.logger,
      leases,
      claim: {
        brokerId,
        incarnation,
        host: advertised.host,
        port: advertised.port || listen.port,
        place: `${machine}:${dataDir}`,
        sessionTimeoutMs: settings.sessionTimeoutMs,
        predecessors,
      },
      heartbeatIntervalMs: settings.heartbeatIntervalMs,
    },
    patiently,
    aborted,
  );
  return { membership, past, incarnation };
}
