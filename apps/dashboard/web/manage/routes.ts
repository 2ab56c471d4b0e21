// Routes: which MQTT topics go where, and how their payloads are read. And the dry run: what would become of this payload?
import type { ListedRoute, RouteList } from '@milepost/routes';
import { read, send } from '../api.ts';
import { h } from '../dom.ts';
import { mayOperate } from '../session.ts';
import { DryRun } from './dry-run.ts';
import { armedButton, labelled, type ManagePage, openDialog, Status, table } from './page.ts';

const origins: Readonly<Record<ListedRoute['origin'], string>> = {
  'built-in': 'Built in',
  setting: 'Setting',
  operator: 'Added',
};
const declared = 'Declared below';

/** A route as a request has it; the server reads and checks it. */
type RouteDocument = Readonly<Record<string, unknown>>;

export class RoutesPage implements ManagePage {
  readonly element: HTMLElement;
  readonly #add = h(
    'button',
    { type: 'button', class: 'primary', hidden: true, onclick: () => this.#edit(undefined) },
    'New route',
  );
  readonly #status = new Status();
  readonly #table = h('div', { class: 'table', 'data-testid': 'routes' });
  #routes: readonly ListedRoute[] = [];
  #mayChange = false;

  constructor() {
    this.element = h(
      'section',
      {},
      h('div', { class: 'buttons' }, this.#add),
      this.#status.element,
      this.#table,
      h('h2', {}, 'What would become of this payload?'),
      new DryRun(() => undefined).element,
    );
  }

  async show(): Promise<void> {
    await this.#load();
  }

  async #load(said = 'A message goes to the first enabled route whose filter matches its topic.'): Promise<void> {
    try {
      this.#mayChange = await mayOperate();
      this.#add.hidden = !this.#mayChange;
      this.#routes = (await read<RouteList>('api/routes')).routes;
      const headings = ['Route', 'Topics', 'Becomes', 'Format', 'Origin', 'State'];
      this.#table.replaceChildren(table('Routes', headings, this.#routes, (route) => this.#cells(route)));
      this.#status.say(said);
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #cells(route: ListedRoute) {
    const { decoder, enabled, filter, name, origin, topic } = route;
    return [
      h('button', { type: 'button', class: 'link', onclick: () => this.#edit(route) }, name),
      h('code', {}, filter),
      h('code', {}, topic),
      typeof decoder === 'string' ? decoder : 'declared',
      origins[origin],
      enabled ? h('span', { class: 'mark' }, 'Enabled') : h('span', { class: 'muted' }, 'Disabled'),
    ];
  }

  #edit(route: ListedRoute | undefined): void {
    const form = routeForm(route, this.#formats());
    const status = new Status();
    const save = h('button', { type: 'submit', class: 'primary' }, 'Save');
    const path = (name: string): string => `api/routes/${encodeURIComponent(name)}`;
    const done = (said: string): void => {
      dialog.close();
      void this.#load(said);
    };
    const remove =
      route?.origin === 'operator'
        ? armedButton('Remove', 'Remove for good?', () =>
            send('DELETE', path(route.name)).then(
              () => done(`${route.name} is removed.`),
              (error: unknown) => status.fail(error),
            ),
          )
        : undefined;
    form.element.append(status.element, ...(this.#mayChange ? [h('div', { class: 'buttons' }, save, remove)] : []));
    form.element.addEventListener('submit', (event) => {
      event.preventDefault();
      try {
        const document = form.document();
        const request = route ? send('PUT', path(route.name), document) : send('POST', 'api/routes', document);
        void request.then(
          () => done(`${String(document['name'])} is saved, and counts in every gateway within a second.`),
          (error: unknown) => status.fail(error),
        );
      } catch (error) {
        status.fail(error);
      }
    });
    const dialog = openDialog(
      route?.name ?? 'New route',
      this.#mayChange ? form.element : h('fieldset', { disabled: true }, form.element),
      h(
        'details',
        { class: 'trial' },
        h('summary', {}, 'What would become of this payload?'),
        new DryRun(() => form.document()).element,
      ),
    );
  }

  /** Those that are in use. */
  #formats(): readonly string[] {
    const used = this.#routes.flatMap(({ decoder }) => (typeof decoder === 'string' ? [decoder] : []));
    return [...new Set(['milepost', 'raw', ...used])];
  }
}

function routeForm(route: ListedRoute | undefined, formats: readonly string[]) {
  const text = (value: string | undefined, placeholder = ''): HTMLInputElement =>
    h('input', { value, placeholder, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
  const name = text(route?.name);
  name.disabled = route !== undefined;
  const filter = text(route?.filter, 'yard/+/position');
  const topic = text(route?.topic ?? 'truck_gps');
  const key = text(route?.key, 'the + levels, joined with -');
  const order = h('input', { type: 'number', min: 0, value: route?.order ?? 100 });
  const format = h('select', {}, ...[...formats, declared].map((one) => h('option', {}, one)));
  const decoder = route?.decoder ?? 'milepost';
  format.value = typeof decoder === 'string' ? decoder : declared;
  const declaration = h('textarea', { rows: 8, spellcheck: 'false' });
  declaration.value = typeof decoder === 'string' ? '{ "fields": { } }' : JSON.stringify(decoder, undefined, 2);
  const declarationField = labelled(
    'Declaration (JSON)',
    declaration,
    'Where the fields are in the payload: docs/DEVICES.md.',
  );
  const show = (): void => {
    declarationField.hidden = format.value !== declared;
  };
  format.addEventListener('change', show);
  show();
  const headers = h('textarea', { rows: 2, spellcheck: 'false', placeholder: 'site=gothenburg' });
  headers.value = Object.entries(route?.headers ?? {})
    .map(([header, value]) => `${header}=${value}`)
    .join('\n');
  const time = h(
    'select',
    {},
    h('option', { value: 'device' }, "The device's"),
    h('option', { value: 'gateway' }, 'That of the receipt'),
  );
  time.value = route?.time ?? 'device';
  const enabled = h('input', { type: 'checkbox', checked: route?.enabled ?? true });
  const document = (): RouteDocument => ({
    name: name.value.trim(),
    filter: filter.value.trim(),
    topic: topic.value.trim(),
    ...((key.value !== '' || route !== undefined) && { key: key.value }),
    decoder: format.value === declared ? parsed(declaration.value) : format.value,
    headers: Object.fromEntries(
      headers.value
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line) => [line.split('=')[0]?.trim() ?? '', line.slice(line.indexOf('=') + 1).trim()]),
    ),
    time: time.value,
    order: order.valueAsNumber,
    enabled: enabled.checked,
  });
  const element = h(
    'form',
    { novalidate: true },
    labelled('Name', name),
    labelled('MQTT topics', filter, 'A topic filter: + is a level, # is all that follow.'),
    labelled('Topic of the log', topic, 'A missing one is created.'),
    labelled('Truck', key, 'By levels of the MQTT topic, from 0: {1}'),
    labelled('Format', format),
    declarationField,
    labelled('Time of positions', time),
    labelled('Headers of its records', headers, 'One a line: name=text'),
    labelled('Order', order, 'Lower ones are compared first; built-in ones begin at 1000.'),
    h('label', { class: 'check' }, enabled, 'Enabled'),
  );
  return { element, document };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (error) {
    throw new Error(`Declaration: ${(error as Error).message}`, { cause: error });
  }
}
