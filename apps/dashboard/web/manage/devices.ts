// Devices: who may connect by MQTT. A list with search, one device in a dialog, and the import of a file.
import type { DevicePage, DeviceView } from '../../src/views.ts';
import { read, send } from '../api.ts';
import { h } from '../dom.ts';
import { age, count } from '../format.ts';
import { mayOperate } from '../session.ts';
import { DeviceImport } from './device-import.ts';
import {
  armedButton,
  factsOf,
  labelled,
  type ManagePage,
  openDialog,
  secretBox,
  Status,
  table,
  timeOf,
} from './page.ts';

const pageSize = 50;
const typingMs = 250;
const dayMs = 86_400_000;
/** A certificate that ends within this time is marked. */
const soonMs = 30 * dayMs;

export class DevicesPage implements ManagePage {
  readonly element: HTMLElement;
  readonly #search = h('input', {
    type: 'search',
    placeholder: 'Find a device',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly #state = h(
    'select',
    {},
    h('option', { value: '' }, 'All'),
    h('option', { value: 'false' }, 'Active'),
    h('option', { value: 'true' }, 'Blocked'),
  );
  readonly #changing = h(
    'div',
    { class: 'buttons', hidden: true },
    h('button', { type: 'button', class: 'primary', onclick: () => this.#add() }, 'New device'),
    h('button', { type: 'button', onclick: () => new DeviceImport(() => void this.#load()).open() }, 'Import'),
  );
  readonly #status = new Status();
  readonly #table = h('div', { class: 'table', 'data-testid': 'devices' });
  readonly #more = h('button', { type: 'button', hidden: true, onclick: () => void this.#loadMore() }, 'Show more');
  #devices: readonly DeviceView[] = [];
  #total = 0;
  #next: string | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#search.addEventListener('input', () => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => void this.#load(), typingMs);
    });
    this.#state.addEventListener('change', () => void this.#load());
    this.element = h(
      'section',
      {},
      h('div', { class: 'tools' }, labelled('Search', this.#search), labelled('State', this.#state), this.#changing),
      this.#status.element,
      this.#table,
      this.#more,
    );
  }

  async show(): Promise<void> {
    this.#changing.hidden = !(await mayOperate());
    await this.#load();
  }

  async #load(): Promise<void> {
    try {
      const { devices, next, total } = await this.#page();
      this.#devices = devices;
      this.#next = next;
      this.#total = total;
      this.#render();
    } catch (error) {
      this.#status.fail(error);
    }
  }

  async #loadMore(): Promise<void> {
    try {
      const { devices, next } = await this.#page(this.#next ?? undefined);
      this.#devices = [...this.#devices, ...devices];
      this.#next = next;
      this.#render();
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #page(after?: string): Promise<DevicePage> {
    const wanted = new URLSearchParams({ limit: String(pageSize) });
    if (this.#search.value !== '') wanted.set('search', this.#search.value);
    if (this.#state.value !== '') wanted.set('blocked', this.#state.value);
    if (after !== undefined) wanted.set('after', after);
    return read<DevicePage>(`api/devices?${wanted}`);
  }

  #render(): void {
    const isFiltered = this.#search.value !== '' || this.#state.value !== '';
    const none = isFiltered
      ? 'No device is like that.'
      : 'No devices yet. Those with a certificate need not be registered.';
    this.#status.say(this.#total === 0 ? none : `${count(this.#total)} ${this.#total === 1 ? 'device' : 'devices'}`);
    this.#more.hidden = this.#next === null;
    const headings = ['Device', 'State', 'Last seen', 'Failed logins', 'Signs in by', 'Certificate ends'];
    this.#table.replaceChildren(
      ...(this.#devices.length === 0
        ? []
        : [table('Devices', headings, this.#devices, (device) => this.#cells(device))]),
    );
  }

  #cells(device: DeviceView) {
    const { certificateEnds, failedLogins, hasPassword, id, isBlocked, lastSeen } = device;
    return [
      h('button', { type: 'button', class: 'link', onclick: () => void this.#open(id) }, id),
      h('span', { class: isBlocked ? 'mark bad' : 'mark' }, isBlocked ? 'Blocked' : 'Active'),
      lastSeen === null ? h('span', { class: 'muted' }, 'Never') : h('time', { datetime: lastSeen }, ago(lastSeen)),
      count(failedLogins),
      hasPassword ? 'Password' : 'Certificate',
      certificateOf(certificateEnds),
    ];
  }

  #add(): void {
    const id = h('input', { name: 'id', required: true, maxlength: 128, autocomplete: 'off', spellcheck: 'false' });
    const certificate = h('input', { type: 'checkbox' });
    const topics = topicFields([], []);
    const status = new Status();
    const form = h(
      'form',
      { novalidate: true },
      labelled('Device id', id, 'Its topics are trucks/<id>/…, and so is its user name.'),
      h('label', { class: 'check' }, certificate, 'It has a certificate, and needs no password'),
      topics.element,
      status.element,
      h('div', { class: 'buttons' }, h('button', { type: 'submit', class: 'primary' }, 'Register')),
    );
    const dialog = openDialog('New device', form);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const body = { id: id.value.trim(), ...topics.value(), ...(certificate.checked && { password: null }) };
      void send<{ password: string | null }>('POST', 'api/devices', body).then(({ password }) => {
        void this.#load();
        if (password === null) return dialog.close();
        form.replaceWith(secretBox(`The password of ${body.id}`, password));
      }, status.fail.bind(status));
    });
  }

  async #open(id: string): Promise<void> {
    try {
      const mayChange = await mayOperate();
      this.#show(await read<DeviceView>(`api/devices/${encodeURIComponent(id)}`), mayChange);
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #show(device: DeviceView, mayChange: boolean): void {
    const { id, isBlocked } = device;
    const path = `api/devices/${encodeURIComponent(id)}`;
    const topics = topicFields(device.publish, device.subscribe);
    const status = new Status();
    const secret = h('div', {});
    const act = async (work: () => Promise<unknown>, said: string): Promise<void> => {
      try {
        await work();
        await this.#load();
        status.say(said);
      } catch (error) {
        status.fail(error);
      }
    };
    const block = h('button', { type: 'button' }, isBlocked ? 'Unblock' : 'Block');
    block.addEventListener('click', () => {
      const isToBeBlocked = block.textContent === 'Block';
      const said = isToBeBlocked ? `${id} is blocked, and its connections end.` : `${id} may connect again.`;
      void act(() => send('PATCH', path, { isBlocked: isToBeBlocked }), said).then(() => {
        block.textContent = isToBeBlocked ? 'Unblock' : 'Block';
      });
    });
    const renew = armedButton('New password', 'The old one ends. Sure?', () =>
      act(async () => {
        const { password } = await send<{ password: string }>('POST', `${path}/password`, {});
        secret.replaceChildren(secretBox(`The new password of ${id}`, password));
      }, 'Its connections by password end.'),
    );
    const remove = armedButton('Remove', 'Remove for good?', () =>
      act(async () => {
        await send('DELETE', path);
        dialog.close();
      }, ''),
    );
    const save = h('button', { type: 'submit', class: 'primary' }, 'Save topics');
    const form = h('form', { novalidate: true }, topics.element, h('div', { class: 'buttons' }, save));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void act(() => send('PATCH', path, topics.value()), 'The topics are saved.');
    });
    const dialog = openDialog(
      id,
      facts(device),
      ...(mayChange
        ? [form, h('div', { class: 'buttons' }, block, renew, remove)]
        : [h('fieldset', { disabled: true }, topics.element)]),
      status.element,
      secret,
    );
  }
}

const ago = (iso: string): string => {
  const text = age(Date.now() - Date.parse(iso));
  return text === 'now' ? 'now' : `${text} ago`;
};

function certificateOf(ends: string | null): HTMLElement {
  if (ends === null || Date.parse(ends) - Date.now() > soonMs) return timeOf(ends, '–');
  return h('span', { class: 'mark bad' }, timeOf(ends, '–'));
}

function facts({
  certificateEnds,
  failedLogins,
  hasPassword,
  isBlocked,
  lastFailure,
  lastSeen,
}: DeviceView): HTMLElement {
  return factsOf([
    ['State', isBlocked ? 'Blocked' : 'Active'],
    ['Signs in by', hasPassword ? 'Password' : 'Certificate'],
    ['Last seen', timeOf(lastSeen, 'Never')],
    ['Failed logins', count(failedLogins)],
    ['Last failed login', timeOf(lastFailure, 'None')],
    ['Certificate ends', timeOf(certificateEnds, 'It has presented none')],
  ]);
}

function topicFields(publish: readonly string[], subscribe: readonly string[]) {
  const area = (filters: readonly string[]): HTMLTextAreaElement =>
    h('textarea', { rows: 2, spellcheck: 'false' }, filters.join('\n'));
  const [publishing, subscribing] = [area(publish), area(subscribe)];
  const element = h(
    'details',
    { open: publish.length + subscribe.length > 0 },
    h('summary', {}, 'Topics beside its own'),
    labelled('It may publish to', publishing, 'A topic filter a line. What it writes there may be of any truck.'),
    labelled('It may subscribe to', subscribing),
  );
  const filtersIn = ({ value }: HTMLTextAreaElement): string[] => value.split(/\s+/).filter((filter) => filter !== '');
  return { element, value: () => ({ publish: filtersIn(publishing), subscribe: filtersIn(subscribing) }) };
}
