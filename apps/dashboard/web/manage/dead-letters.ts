// Dead letters: payloads that became no position, with their reason and bytes; and sending one again after a route was corrected.
import type { DeadLetterPage, DeadLetterView, SentAgain, WholeDeadLetter } from '../../src/views.ts';
import { read, send } from '../api.ts';
import { h } from '../dom.ts';
import { count } from '../format.ts';
import { mayOperate } from '../session.ts';
import { bytesOf, hexOf, textOf } from './bytes.ts';
import { download, factsOf, labelled, type ManagePage, openDialog, Status, table, timeOf } from './page.ts';

const pageSize = 50;
const typingMs = 250;
/** Of the bytes, in a dialog; the file has all. */
const shownBytes = 4_096;

const reasons: Readonly<Record<string, string>> = {
  'no-route': 'No route takes its topic',
  'no-truck-id': 'Its topic names no truck',
  'refused-by-log': 'The log refused it',
};
const hourMs = 3_600_000;
const spans = {
  'At any time': 0,
  'In the last hour': hourMs,
  'In the last day': 24 * hourMs,
  'In the last week': 168 * hourMs,
};

export class DeadLettersPage implements ManagePage {
  readonly element: HTMLElement;
  readonly #search = h('input', {
    type: 'search',
    placeholder: 'Device or topic',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly #reason = h('input', { list: 'reasons', placeholder: 'Any', autocomplete: 'off', spellcheck: 'false' });
  readonly #known = h('datalist', { id: 'reasons' });
  readonly #span = h('select', {}, ...Object.keys(spans).map((name) => h('option', {}, name)));
  readonly #status = new Status();
  readonly #table = h('div', { class: 'table', 'data-testid': 'dead-letters' });
  readonly #more = h(
    'button',
    { type: 'button', hidden: true, onclick: () => void this.#load(true) },
    'Show older ones',
  );
  #letters: readonly DeadLetterView[] = [];
  #next: string | null = null;
  #typing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    const later = (): void => {
      clearTimeout(this.#typing);
      this.#typing = setTimeout(() => void this.#load(), typingMs);
    };
    this.#search.addEventListener('input', later);
    this.#reason.addEventListener('change', later);
    this.#span.addEventListener('change', later);
    this.element = h(
      'section',
      {},
      h(
        'div',
        { class: 'tools' },
        labelled('Search', this.#search),
        labelled('Reason', this.#reason),
        labelled('Received', this.#span),
        this.#known,
      ),
      this.#status.element,
      this.#table,
      this.#more,
    );
  }

  async show(): Promise<void> {
    await this.#load();
  }

  async #load(isMore = false): Promise<void> {
    const wanted = new URLSearchParams({ limit: String(pageSize) });
    if (this.#search.value !== '') wanted.set('search', this.#search.value);
    if (this.#reason.value !== '') wanted.set('reason', this.#reason.value);
    const spanMs = spans[this.#span.value as keyof typeof spans];
    if (spanMs > 0) wanted.set('from', new Date(Date.now() - spanMs).toISOString());
    if (isMore && this.#next !== null) wanted.set('after', this.#next);
    try {
      const { letters, next } = await read<DeadLetterPage>(`api/dead-letters?${wanted}`);
      this.#letters = isMore ? [...this.#letters, ...letters] : letters;
      this.#next = next;
      this.#render();
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #render(): void {
    const isOver = this.#next === null;
    const number = this.#letters.length;
    if (number === 0) this.#status.say(isOver ? 'No dead letters like that.' : 'None among the newest ones.');
    else
      this.#status.say(`${count(number)}${isOver ? '' : ' newest'} ${number === 1 ? 'dead letter' : 'dead letters'}`);
    this.#more.hidden = isOver;
    const seen = new Set([...Object.keys(reasons), ...this.#letters.map(({ reason }) => reason)]);
    this.#known.replaceChildren(...[...seen].map((value) => h('option', { value })));
    const headings = ['Received', 'Device', 'Topic', 'Reason', 'Payload'];
    this.#table.replaceChildren(
      ...(number === 0 ? [] : [table('Dead letters', headings, this.#letters, (letter) => this.#cells(letter))]),
    );
  }

  #cells(letter: DeadLetterView) {
    const { beginBase64, client, detail, id, key, reason, receivedAt, topic } = letter;
    const received = timeOf(receivedAt, '');
    const open = h(
      'button',
      { type: 'button', class: 'link', 'data-id': id, onclick: () => void this.#open(id) },
      received,
    );
    return [
      open,
      key ?? client,
      topic,
      [h('span', { class: 'mark bad' }, reason), h('small', { class: 'detail' }, detail)],
      h('code', { class: 'preview' }, previewOf(bytesOf(beginBase64))),
    ];
  }

  async #open(id: string): Promise<void> {
    try {
      const mayChange = await mayOperate();
      this.#show(await read<WholeDeadLetter>(`api/dead-letters/${id}`), mayChange);
    } catch (error) {
      this.#status.fail(error);
    }
  }

  #show(letter: WholeDeadLetter, mayChange: boolean): void {
    const { client, detail, id, key, payloadBase64, principal, reason, receivedAt, topic } = letter;
    const bytes = bytesOf(payloadBase64);
    const begin = bytes.subarray(0, shownBytes);
    const text = textOf(bytes);
    const shown = h('pre', { tabindex: '0', 'aria-label': 'Payload' });
    const form = h(
      'select',
      {},
      ...(text === undefined ? [] : [h('option', {}, 'Text')]),
      h('option', {}, 'Hexadecimal'),
    );
    const render = (): void => {
      shown.textContent = form.value === 'Text' ? (text ?? '').slice(0, shownBytes) : hexOf(begin);
      if (bytes.length > shownBytes)
        shown.append(`\n… ${count(bytes.length - shownBytes)} more bytes: save it to see them.`);
    };
    form.addEventListener('change', render);
    render();
    const status = new Status();
    const again = h('button', { type: 'button', class: 'primary' }, 'Send again');
    again.addEventListener('click', () => {
      again.disabled = true;
      void send<SentAgain>('POST', `api/dead-letters/${id}/send-again`, {}).then(
        ({ records }) => status.say(`It is in the log now: ${sentence(records)}.`),
        (error: unknown) => {
          again.disabled = false;
          status.fail(error);
        },
      );
    });
    openDialog(
      `Dead letter ${id}`,
      factsOf([
        ['Reason', reasons[reason] ?? reason],
        ['Detail', detail],
        ['Received', timeOf(receivedAt, '')],
        ['Topic', topic],
        ['Truck', key ?? '–'],
        ['Client id', client],
        ['Authenticated as', principal ?? 'Nobody'],
        ['Size', `${count(bytes.length)} bytes`],
      ]),
      labelled('Payload as', form),
      shown,
      status.element,
      h(
        'div',
        { class: 'buttons' },
        mayChange ? again : undefined,
        h(
          'button',
          { type: 'button', onclick: () => download(`${id}.bin`, 'application/octet-stream', bytes) },
          'Save the bytes',
        ),
      ),
    );
  }
}

const previewOf = (bytes: Uint8Array): string =>
  textOf(bytes, true)?.slice(0, 120) ??
  [...bytes.subarray(0, 24)].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');

const sentence = (records: SentAgain['records']): string =>
  records.length === 1 ? `${records[0]?.topic}, ${records[0]?.key ?? 'no key'}` : `${count(records.length)} records`;
