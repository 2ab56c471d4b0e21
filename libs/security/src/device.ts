// A device (or another user of MQTT) that may connect, and the store of all of them.
import type { ScramCredential } from './scram.ts';

/** A truck id (libs/fleet): it becomes a level of topics and the key of records, so that it has no wildcard and no slash. */
const DEVICE_ID = /^[A-Za-z0-9._-]{1,128}$/;
export const EXPECTED_DEVICE_ID = '1 to 128 letters, digits, dots, underscores and hyphens';

export const isDeviceId = (text: string): boolean => DEVICE_ID.test(text);

export interface Device {
  readonly id: string;
  /** Of its password, by SCRAM-SHA-256; undefined: it has none, and connects with a certificate. */
  readonly credential: ScramCredential | undefined;
  readonly isBlocked: boolean;
  /** Topic filters beside its own topics: what it publishes there may be of any truck. */
  readonly publish: readonly string[];
  /** Topic filters beside its own topics. */
  readonly subscribe: readonly string[];
  /** Another one after each change. */
  readonly version: number;
}

/** What was noticed about a device since the last report. */
export interface DeviceReport {
  readonly id: string;
  /** ms since 1970; undefined: only failed logins. */
  readonly seenAtMs: number | undefined;
  readonly failedLogins: number;
  readonly failedAtMs: number | undefined;
  /** When the certificate that it presented last ends; undefined: it presented none. */
  readonly certificateEndsMs: number | undefined;
}

/** What the gateway needs of the store. */
export interface DeviceDirectory {
  /** Those that exist. @throws while the store is away. */
  find(ids: readonly string[]): Promise<readonly Device[]>;
  /** Of ids that exist; others are ignored. It is no change of the device. @throws while the store is away. */
  report(reports: readonly DeviceReport[]): Promise<void>;
}

export type NewDevice = Pick<Device, 'id' | 'credential' | 'publish' | 'subscribe'>;

export interface DeviceStatus extends Omit<Device, 'credential' | 'version'> {
  readonly hasPassword: boolean;
  readonly lastSeenMs: number | undefined;
  readonly failedLogins: number;
  readonly lastFailureMs: number | undefined;
  /** Of the certificate that it presented last. */
  readonly certificateEndsMs: number | undefined;
}

export type DeviceChanges = Partial<Pick<Device, 'credential' | 'publish' | 'subscribe'>>;

/** Which devices a list has; absent: all. */
export interface DeviceFilter {
  /** A part of the id, in upper or lower case. */
  readonly search?: string | undefined;
  readonly isBlocked?: boolean | undefined;
}

/** What administration needs of the store. */
export interface DeviceStore extends DeviceDirectory {
  /** All or none. Existing ones are replaced (and stay blocked), or else returned, and nothing is stored. */
  add(devices: readonly NewDevice[], replaces: boolean): Promise<{ readonly existing: readonly string[] }>;
  /** What is absent (a credential that is undefined, too) remains. Returns whether the device exists. */
  change(id: string, changes: DeviceChanges): Promise<boolean>;
  /** Returns whether it existed. */
  remove(id: string): Promise<boolean>;
  /** A device that does not exist is created, without a password: a certificate alone may have let it in. */
  setBlocked(id: string, isBlocked: boolean): Promise<void>;
  /** Undefined: it does not exist. */
  status(id: string): Promise<DeviceStatus | undefined>;
  /** By id, the first `limit` after `after`. */
  list(after: string, limit: number, filter?: DeviceFilter): Promise<readonly DeviceStatus[]>;
  count(filter?: DeviceFilter): Promise<number>;
}
