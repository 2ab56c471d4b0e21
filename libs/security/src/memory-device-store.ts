// A DeviceStore without a database, for tests.
import type {
  Device,
  DeviceChanges,
  DeviceFilter,
  DeviceReport,
  DeviceStatus,
  DeviceStore,
  NewDevice,
} from './device.ts';

type Noticed = Pick<DeviceStatus, 'lastSeenMs' | 'failedLogins' | 'lastFailureMs' | 'certificateEndsMs'>;

export class MemoryDeviceStore implements DeviceStore {
  readonly #devices = new Map<string, Device>();
  readonly #noticed = new Map<string, Noticed>();
  #version = 0;
  /** The store is away. */
  isAway = false;
  /** The ids of each lookup. */
  readonly lookups: (readonly string[])[] = [];

  async find(ids: readonly string[]): Promise<readonly Device[]> {
    if (this.isAway) throw new Error('the store is away');
    this.lookups.push(ids);
    return ids.flatMap((id) => this.#devices.get(id) ?? []);
  }

  async report(reports: readonly DeviceReport[]): Promise<void> {
    if (this.isAway) throw new Error('the store is away');
    for (const { id, seenAtMs, failedLogins, failedAtMs, certificateEndsMs } of reports) {
      if (!this.#devices.has(id)) continue;
      const before = this.#noticed.get(id) ?? NOTHING;
      this.#noticed.set(id, {
        lastSeenMs: seenAtMs ?? before.lastSeenMs,
        failedLogins: before.failedLogins + failedLogins,
        lastFailureMs: failedAtMs ?? before.lastFailureMs,
        certificateEndsMs: certificateEndsMs ?? before.certificateEndsMs,
      });
    }
  }

  async add(devices: readonly NewDevice[], replaces: boolean): Promise<{ existing: string[] }> {
    const existing = replaces ? [] : devices.map(({ id }) => id).filter((id) => this.#devices.has(id));
    if (existing.length > 0) return { existing };
    this.#version++;
    for (const device of devices) {
      const isBlocked = this.#devices.get(device.id)?.isBlocked ?? false;
      this.#devices.set(device.id, { ...device, isBlocked, version: this.#version });
    }
    return { existing };
  }

  async change(id: string, { credential, publish, subscribe }: DeviceChanges): Promise<boolean> {
    const before = this.#devices.get(id);
    if (!before) return false;
    this.#devices.set(id, {
      ...before,
      credential: credential ?? before.credential,
      publish: publish ?? before.publish,
      subscribe: subscribe ?? before.subscribe,
      version: ++this.#version,
    });
    return true;
  }

  async remove(id: string): Promise<boolean> {
    this.#noticed.delete(id);
    return this.#devices.delete(id);
  }

  async setBlocked(id: string, isBlocked: boolean): Promise<void> {
    const before = this.#devices.get(id) ?? { id, credential: undefined, publish: [], subscribe: [] };
    this.#devices.set(id, { ...before, isBlocked, version: ++this.#version });
  }

  async status(id: string): Promise<DeviceStatus | undefined> {
    const device = this.#devices.get(id);
    return device && this.#statusOf(device);
  }

  async list(after: string, limit: number, filter: DeviceFilter = {}): Promise<readonly DeviceStatus[]> {
    const page = this.#matching(filter).filter(({ id }) => id > after);
    return page.slice(0, limit).map((device) => this.#statusOf(device));
  }

  async count(filter: DeviceFilter = {}): Promise<number> {
    return this.#matching(filter).length;
  }

  #matching({ isBlocked, search = '' }: DeviceFilter): Device[] {
    const matching = [...this.#devices.values()].filter(
      (device) =>
        device.id.toLowerCase().includes(search.toLowerCase()) && device.isBlocked === (isBlocked ?? device.isBlocked),
    );
    return matching.sort((one, other) => (one.id < other.id ? -1 : 1));
  }

  #statusOf({ credential, id, isBlocked, publish, subscribe }: Device): DeviceStatus {
    const hasPassword = credential !== undefined;
    return { id, isBlocked, publish, subscribe, hasPassword, ...(this.#noticed.get(id) ?? NOTHING) };
  }
}

const NOTHING: Noticed = {
  lastSeenMs: undefined,
  failedLogins: 0,
  lastFailureMs: undefined,
  certificateEndsMs: undefined,
};
