// Alerts for the page, newest first. The dashboard needs no database: it retains the recent ones from `truck_alerts`.
import type { Alert } from '@milepost/alerts';

export interface AlertsSource {
  /** Newest first. */
  recent(): readonly Alert[];
}

/** As many as a page can show and a person can read. */
export const recentAlertsLimit = 200;

export class TopicAlerts implements AlertsSource {
  /** Newest first; numbered in the order of arrival. */
  #kept: { readonly number: number; readonly alert: Alert }[] = [];
  #taken = 0;

  /** The same alert may arrive twice (with the same id), and an older one after a newer. */
  add(value: Buffer): void {
    const alert = readAlert(value);
    if (!alert || this.#kept.some((kept) => kept.alert.alertId === alert.alertId)) return;
    const at = this.#kept.findIndex((kept) => kept.alert.ts <= alert.ts);
    this.#taken += 1;
    this.#kept.splice(at < 0 ? this.#kept.length : at, 0, { number: this.#taken, alert });
    this.#kept = this.#kept.slice(0, recentAlertsLimit);
  }

  /** The number of alerts added so far: the argument of the next call of `since`. */
  get taken(): number {
    return this.#taken;
  }

  recent(): readonly Alert[] {
    return this.since(0);
  }

  since(taken: number): readonly Alert[] {
    return this.#kept.filter(({ number }) => number > taken).map(({ alert }) => alert);
  }
}

/** Undefined for a record of another program. */
function readAlert(value: Buffer): Alert | undefined {
  try {
    const alert = JSON.parse(value.toString()) as Partial<Alert> | null;
    const texts = [alert?.alertId, alert?.truckId, alert?.ts, alert?.message, alert?.kind];
    return texts.every((text) => typeof text === 'string') ? (alert as Alert) : undefined;
  } catch {
    return undefined;
  }
}
