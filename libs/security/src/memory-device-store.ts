// A DeviceStore without a database, for tests.
import type { Device, DeviceReport, DeviceStatus, DeviceStore, NewDevice } from './device.ts';

type Noticed = Pick<DeviceStatus, 'lastSeenMs' | 'failedLogins' | 'lastFailureMs'>;

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
    for (const { id, seenAtMs, failedLogins, failedAtMs } of reports) {
      if (!this.#devices.has(id)) continue;
      const before = this.#noticed.get(id) ?? NOTHING;
      this.#noticed.set(id, {
        lastSeenMs: seenAtMs ?? before.lastSeenMs,
        failedLogins: before.failedLogins + failedLogins,
        lastFailureMs: failedAtMs ?? before.lastFailureMs,
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

  async remove(id: string): Promise<boolean> {
    this.#noticed.delete(id);
    return this.#devices.delete(id);
  }

  async setBlocked(id: string, isBlocked: boolean): Promise<void> {
    const before = this.#devices.get(id) ?? { id, credential: undefined, publish: [], subscribe: [] };
    this.#devices.set(id, { ...before, isBlocked, version: ++this.#version });
  }

  async list(after: string, limit: number): Promise<readonly DeviceStatus[]> {
    const ids = [...this.#devices.keys()].filter((id) => id > after).sort();
    return ids.slice(0, limit).flatMap((id) => {
      const device = this.#devices.get(id);
      if (!device) return [];
      const { credential, isBlocked, publish, subscribe } = device;
      const status = { id, isBlocked, publish, subscribe, hasPassword: credential !== undefined };
      return [{ ...status, ...(this.#noticed.get(id) ?? NOTHING) }];
    });
  }
}

const NOTHING: Noticed = { lastSeenMs: undefined, failedLogins: 0, lastFailureMs: undefined };
