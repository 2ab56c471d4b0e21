// Alerts: a list of the recent ones, and a toast for each new one.
import { byId, h, svg } from './dom.js';
import { age, clockTime } from './format.js';

const toastMs = 7_000;
const toastsAtOnce = 3;

const kinds = {
  speeding: { title: 'Speeding', icon: '<path d="M4 16a8 8 0 1 1 16 0M12 16l4-5"/>' },
  geofence: {
    title: 'Left its area',
    icon: '<circle cx="9" cy="12" r="6" stroke-dasharray="3 3"/><path d="M11 12h10M18 9l3 3-3 3"/>',
  },
  silence: {
    title: 'Fell silent',
    icon: '<path d="M5 12.5a10 10 0 0 1 14 0M8 16a5.5 5.5 0 0 1 8 0M12 19.5v.1M4 4l16 16"/>',
  },
};
const otherKind = { title: 'Alert', icon: '<path d="M12 4v10M12 19v.1"/>' };

export class Alerts {
  #fleet;
  #choose;
  #seen = 0;

  /** `choose(truckId)` is called when the user selects that truck. */
  constructor(fleet, choose) {
    this.#fleet = fleet;
    this.#choose = choose;
    fleet.addEventListener('alerts', ({ detail }) => {
      this.#render();
      this.#seen += detail.length;
      this.#badge();
      detail.slice(0, toastsAtOnce).forEach((alert) => this.#toast(alert));
    });
    setInterval(() => this.#refreshTimes(), 5_000);
  }

  /** The user has looked at the panel. */
  markSeen() {
    this.#seen = 0;
    this.#badge();
  }

  #badge() {
    const badge = byId('alert-count');
    if (!byId('view-alerts').hidden) this.#seen = 0;
    badge.hidden = this.#seen === 0;
    badge.textContent = this.#seen > 99 ? '99+' : String(this.#seen);
    badge.setAttribute('aria-label', `${this.#seen} new`);
  }

  #render() {
    const items = this.#fleet.alerts.map((alert) => h('li', {}, this.#entry(alert, 'alert-row')));
    byId('alerts').replaceChildren(...items);
  }

  #entry({ alertId, kind, truckId, message, ts }, testId) {
    const { title, icon } = kinds[kind] ?? otherKind;
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

  #toast(alert) {
    const toast = this.#entry(alert, 'toast');
    const stack = byId('toasts');
    stack.append(toast);
    while (stack.children.length > toastsAtOnce) stack.firstElementChild.remove();
    setTimeout(() => toast.remove(), toastMs);
  }

  #refreshTimes() {
    for (const time of document.querySelectorAll('.alert time'))
      time.textContent = age(this.#fleet.now() - Date.parse(time.dateTime));
  }
}
