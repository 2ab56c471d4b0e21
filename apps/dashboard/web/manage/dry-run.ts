// The dry run: the records that a payload would be stored as, or the reason of its dead letter. Nothing is stored.
import { send } from '../api.ts';
import { h } from '../dom.ts';
import { labelled, Status } from './page.ts';

/** The response of `api/routes/try`. */
interface Tried {
  /** Null: no route takes the topic. */
  readonly route: string | null;
  readonly records: readonly {
    readonly topic: string;
    readonly key: string | null;
    readonly headers: Readonly<Record<string, string>>;
    readonly isDeadLetter: boolean;
    readonly value?: string;
    readonly valueBase64?: string;
  }[];
}

export class DryRun {
  readonly element: HTMLElement;
  readonly #route: () => unknown;
  readonly #topic = h('input', {
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    value: 'trucks/t-1/gps',
  });
  readonly #payload = h('textarea', { rows: 3, spellcheck: 'false' }, '{"lat":57.7,"lon":11.97}');
  readonly #status = new Status();
  readonly #records = h('div', { class: 'tried', 'data-testid': 'tried' });

  /** `route`: one that is tried as if it were stored; undefined: those that are. */
  constructor(route: () => unknown) {
    this.#route = route;
    const form = h(
      'form',
      { novalidate: true, class: 'inline' },
      labelled('MQTT topic', this.#topic),
      labelled('Payload', this.#payload),
      h('div', { class: 'buttons' }, h('button', { type: 'submit' }, 'Try it')),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run();
    });
    this.element = h('div', { class: 'dry-run' }, form, this.#status.element, this.#records);
  }

  async #run(): Promise<void> {
    this.#records.replaceChildren();
    try {
      const route = this.#route();
      const body = { topic: this.#topic.value, payload: this.#payload.value, ...(route !== undefined && { route }) };
      this.#show(await send<Tried>('POST', 'api/routes/try', body));
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #show({ records, route }: Tried): void {
    this.#status.say(route === null ? 'No route takes this topic.' : `The route ${route} takes it.`);
    this.#records.replaceChildren(
      ...records.map(({ headers, isDeadLetter, key, topic, value, valueBase64 }) =>
        h(
          'article',
          {},
          isDeadLetter
            ? h(
                'p',
                {},
                h('span', { class: 'mark bad' }, `Dead letter: ${headers['reason'] ?? ''}`),
                ` ${headers['detail'] ?? ''}`,
              )
            : h('p', {}, h('span', { class: 'mark' }, topic), key === null ? '' : ` Key: ${key}`),
          h('pre', { tabindex: '0', 'aria-label': 'Value' }, value ?? `${valueBase64 ?? ''} (base64)`),
        ),
      ),
    );
  }
}
