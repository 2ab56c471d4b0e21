// Alerts: a list of the recent ones, and a toast for each new one.
import type { Alert } from '@milepost/alerts';
import { byId, h, svg } from '../dom.ts';
import type { Fleet } from '../fleet.ts';
import { age, clockTime } from '../format.ts';

const toastMs = 7_000;
const toastsAtOnce = 3;

interface Kind {
  readonly title: string;
  readonly icon: string;
}

const entered: Kind = {
  title: 'Entered an area',
  icon: '<circle cx="15" cy="12" r="6" stroke-dasharray="3 3"/><path d="M3 12h12M12 9l3 3-3 3"/>',
};
/** By a rule's kind; a geofence fires when a truck enters it, too. */
const kinds: Readonly<Record<string, Kind>> = {
  speeding: { title: 'Speeding', icon: '<path d="M4 16a8 8 0 1 1 16 0M12 16l4-5"/>' },
  geofence: {
    title: 'Left an area',
    icon: '<circle cx="9" cy="12" r="6" stroke-dasharray="3 3"/><path d="M11 12h10M18 9l3 3-3 3"/>',
  },
  corridor: {
    title: 'Off its route',
    icon: '<path d="M6 21V3" stroke-dasharray="3 3"/><path d="M6 13q8 0 13-7M14 6h5v5"/>',
  },
  stopped: { title: 'Standing too long', icon: '<circle cx="12" cy="12" r="8"/><path d="M12 8v4l3 2"/>' },
  'harsh-braking': { title: 'Braked hard', icon: '<circle cx="12" cy="12" r="8"/><path d="M12 8v5M12 16v.1"/>' },
  'low-battery': { title: 'Low battery', icon: '<path d="M3 8h15v8H3zM21 11v2M6 11v2"/>' },
  'low-fuel': { title: 'Low fuel', icon: '<path d="M5 20V4h9v16M4 20h11M14 10h3v6a2 2 0 0 0 4 0V8l-3-3M5 10h9"/>' },
  ignition: { title: 'Ignition on', icon: '<path d="M12 4v8M7 7a7 7 0 1 0 10 0"/>' },
  silence: {
    title: 'Fell silent',
    icon: '<path d="M5 12.5a10 10 0 0 1 14 0M8 16a5.5 5.5 0 0 1 8 0M12 19.5v.1M4 4l16 16"/>',
  },
};
const otherKind: Kind = { title: 'Alert', icon: '<path d="M12 4v10M12 19v.1"/>' };

export class Alerts {
  readonly #fleet: Fleet;
  readonly #choose: (truckId: string) => void;
  #unseen = 0;

  /** `choose(truckId)` is called when the user selects that truck. */
  constructor(fleet: Fleet, choose: (truckId: string) => void) {
    this.#fleet = fleet;
    this.#choose = choose;
    fleet.on('alerts', (fresh) => {
      this.#render();
      this.#unseen += fresh.length;
      this.#badge();
      fresh.slice(0, toastsAtOnce).forEach((alert) => this.#toast(alert));
    });
    setInterval(() => this.#refreshTimes(), 5_000);
  }

  /** The user has looked at the panel. */
  markSeen(): void {
    this.#unseen = 0;
    this.#badge();
  }

  #badge(): void {
    const badge = byId('alert-count');
    if (!byId('view-alerts').hidden) this.#unseen = 0;
    badge.hidden = this.#unseen === 0;
    badge.textContent = this.#unseen > 99 ? '99+' : String(this.#unseen);
    badge.setAttribute('aria-label', `${this.#unseen} new`);
  }

  #render(): void {
    const items = this.#fleet.alerts.map((alert) => h('li', {}, this.#entry(alert, 'alert-row')));
    byId('alerts').replaceChildren(...items);
  }

  #entry({ alertId, event, kind, truckId, message, ts }: Alert, testId: string): HTMLElement {
    const { title, icon } = event === 'enter' ? entered : (kinds[kind] ?? otherKind);
    const time = h('time', { datetime: ts, title: clockTime(Date.parse(ts)) }, age(this.#fleet.now() - Date.parse(ts)));
    return h(
      'button',
      {
        class: 'alert',
        type: 'button',
        'data-testid': testId,
        'data-alert-id': alertId,
        onclick: () => this.#choose(truckId),
      },
      h('span', { class: 'alert-icon' }, svg('0 0 24 24', icon)),
      h('span', {}, h('b', {}, `${truckId} · ${title}`), h('p', {}, message)),
      time,
    );
  }

  #toast(alert: Alert): void {
    const toast = this.#entry(alert, 'toast');
    const stack = byId('toasts');
    stack.append(toast);
    while (stack.children.length > toastsAtOnce) stack.firstElementChild?.remove();
    setTimeout(() => toast.remove(), toastMs);
  }

  #refreshTimes(): void {
    for (const time of document.querySelectorAll<HTMLTimeElement>('.alert time'))
      time.textContent = age(this.#fleet.now() - Date.parse(time.dateTime));
  }
}
