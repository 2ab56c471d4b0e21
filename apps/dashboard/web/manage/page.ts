// What the pages of administration have in common: a place in the content, messages, dialogs, secrets that are shown once.
import { type Child, h } from '../dom.ts';
import { dateTime } from '../format.ts';

export interface ManagePage {
  readonly element: HTMLElement;
  /** The page came to the front. */
  show(): Promise<void>;
}

/** Says what happened, to screen readers too. */
export class Status {
  readonly element = h('p', { class: 'status', role: 'status', 'data-testid': 'status' });

  say(text: string): void {
    this.element.classList.remove('problem');
    this.element.textContent = text;
  }

  fail(error: unknown): void {
    this.element.classList.add('problem');
    this.element.textContent = (error as Error).message;
  }
}

let hints = 0;

export function labelled(label: string, control: HTMLElement, hint?: string): HTMLElement {
  const element = h('div', { class: 'field' }, h('label', {}, h('span', {}, label), control));
  if (hint === undefined) return element;
  const id = `hint-${++hints}`;
  control.setAttribute('aria-describedby', id);
  element.append(h('small', { id }, hint));
  return element;
}

/** A button that does it only when it is pressed a second time. */
export function armedButton(label: string, question: string, act: () => Promise<void>): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'danger' }, label);
  const disarm = (): void => {
    delete button.dataset['armed'];
    button.textContent = label;
  };
  button.addEventListener('blur', disarm);
  button.addEventListener('click', () => {
    if (button.dataset['armed'] !== undefined) return void act().finally(disarm);
    button.dataset['armed'] = '';
    button.textContent = question;
  });
  return button;
}

/** A password or a token, to be copied now: nobody can read it again. */
export function secretBox(what: string, secret: string): HTMLElement {
  const copy = h('button', { type: 'button' }, 'Copy');
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(secret).then(
      () => (copy.textContent = 'Copied'),
      () => (copy.textContent = 'Select and copy it'),
    );
  });
  return h(
    'div',
    { class: 'secret', role: 'group', 'aria-label': what },
    h('p', {}, `${what}. It is shown only now.`),
    h('div', { class: 'row' }, h('code', { 'data-testid': 'secret' }, secret), navigator.clipboard ? copy : undefined),
  );
}

/** A modal dialog that is removed when it is closed. */
export function openDialog(title: string, ...children: readonly Child[]): HTMLDialogElement {
  const heading = h('h2', { id: 'dialog-title' }, title);
  const close = h('button', { type: 'button', class: 'icon-button', 'aria-label': 'Close' }, '✕');
  const dialog = h('dialog', { 'aria-labelledby': 'dialog-title' }, h('header', {}, heading, close), ...children);
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** On a phone each row is a block whose cells have the headings as labels. */
export function table<Row>(
  caption: string,
  headings: readonly string[],
  rows: readonly Row[],
  cellsOf: (row: Row) => readonly (Child | readonly Child[])[],
): HTMLTableElement {
  return h(
    'table',
    {},
    h('caption', { class: 'visually-hidden' }, caption),
    h('thead', {}, h('tr', {}, ...headings.map((heading) => h('th', { scope: 'col' }, heading)))),
    h(
      'tbody',
      {},
      ...rows.map((row) =>
        h('tr', {}, ...cellsOf(row).map((cell, at) => h('td', { 'data-label': headings[at] ?? '' }, wrapped(cell)))),
      ),
    ),
  );
}

/** Several children are one, beside the label. */
const wrapped = (cell: Child | readonly Child[]): Child =>
  typeof cell === 'object' && !(cell instanceof Node) ? h('div', {}, ...cell) : cell;

/** Of an API; null: none. */
export const timeOf = (iso: string | null, absent: string): HTMLElement =>
  iso === null
    ? h('span', { class: 'muted' }, absent)
    : h('time', { datetime: iso, title: iso }, dateTime(Date.parse(iso)));

export const factsOf = (rows: readonly (readonly [string, HTMLElement | string])[]): HTMLElement =>
  h('dl', { class: 'facts' }, ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]));

/** Saves a file of the user's. */
export function download(name: string, type: string, content: BlobPart): void {
  const href = URL.createObjectURL(new Blob([content], { type }));
  h('a', { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
