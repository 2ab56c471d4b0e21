// Imports the devices of a file, with progress. A broken line is named by its number. The passwords that were made are a file to save.
import type { ImportEvent } from '../../src/views.ts';
import { RequestFailed, sendForLines } from '../api.ts';
import { h } from '../dom.ts';
import { count } from '../format.ts';
import { download, labelled, openDialog, Status } from './page.ts';

const brokenShown = 100;

export class DeviceImport {
  readonly #done: () => void;
  readonly #file = h('input', { type: 'file', accept: '.csv,.json,text/csv,application/json', required: true });
  readonly #skipBroken = h('input', { type: 'checkbox' });
  readonly #replace = h('input', { type: 'checkbox' });
  readonly #certificates = h('input', { type: 'checkbox' });
  readonly #start = h('button', { type: 'submit', class: 'primary' }, 'Import');
  readonly #progress = h('progress', { max: 1, value: 0, 'aria-label': 'Progress', hidden: true });
  readonly #status = new Status();
  readonly #broken = h('ul', { class: 'broken', 'aria-label': 'Broken lines', hidden: true });
  readonly #save = h('button', { type: 'button', class: 'primary', hidden: true, onclick: () => this.#saveMade() });
  readonly #made: string[] = [];
  #running: AbortController | undefined;

  /** `done` is called when devices were stored. */
  constructor(done: () => void) {
    this.#done = done;
  }

  open(): void {
    const check = (input: HTMLInputElement, text: string): HTMLElement => h('label', { class: 'check' }, input, text);
    const form = h(
      'form',
      { novalidate: true },
      labelled('File', this.#file, 'CSV with a header line (id, password, publish, subscribe), or a JSON list.'),
      check(this.#certificates, 'Devices without a password have certificates'),
      check(this.#replace, 'Existing devices get the passwords and topics of the file'),
      check(this.#skipBroken, 'Skip broken lines; otherwise nothing is imported'),
      this.#progress,
      this.#status.element,
      this.#broken,
      h('div', { class: 'buttons' }, this.#start, this.#save),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#run();
    });
    const dialog = openDialog('Import devices', form);
    dialog.addEventListener('cancel', (event) => {
      if (this.#made.length > 0 && !this.#save.hidden) event.preventDefault(); // Escape would lose the passwords
    });
    dialog.addEventListener('close', () => this.#running?.abort());
  }

  async #run(): Promise<void> {
    const [file] = this.#file.files ?? [];
    if (this.#running) return this.#running.abort();
    if (!file) return this.#status.fail(new Error('Choose a file first.'));
    const running = new AbortController();
    this.#running = running;
    this.#made.length = 0;
    this.#broken.hidden = true;
    this.#progress.hidden = false;
    this.#progress.value = 0;
    this.#start.textContent = 'Stop';
    let stored = 0;
    try {
      const events = sendForLines<ImportEvent>(
        `api/devices/import?${this.#options()}`,
        await bodyOf(file),
        running.signal,
      );
      for await (const event of events) {
        if (event.kind === 'failed') throw new Error(event.message);
        if (event.kind === 'end') this.#end(event);
        else {
          stored = event.stored;
          this.#advance(event);
        }
      }
    } catch (error) {
      if (running.signal.aborted) this.#status.say(`Stopped: ${count(stored)} devices are imported.`);
      else this.#status.fail(error);
      if (error instanceof RequestFailed) this.#showBroken(error.broken);
    } finally {
      this.#running = undefined;
      this.#progress.hidden = true;
      this.#start.textContent = 'Import';
      this.#save.hidden = this.#made.length === 0;
      this.#save.textContent = `Save ${count(this.#made.length)} passwords`;
      if (stored > 0) this.#done();
    }
  }

  #options(): URLSearchParams {
    return new URLSearchParams({
      skipBroken: String(this.#skipBroken.checked),
      replace: String(this.#replace.checked),
      passwords: String(!this.#certificates.checked),
    });
  }

  #advance({ made, of, stored }: Extract<ImportEvent, { kind: 'progress' }>): void {
    this.#made.push(...made.map(({ id, password }) => `${id},${password}`));
    this.#progress.value = of === 0 ? 1 : stored / of;
    this.#status.say(`${count(stored)} of ${count(of)} devices`);
  }

  #end({ broken, imported }: Extract<ImportEvent, { kind: 'end' }>): void {
    const skipped = broken.length > 0 ? ` ${count(broken.length)} broken lines are not.` : '';
    const passwords = this.#made.length > 0 ? ' Save the passwords that were made: nobody can read them again.' : '';
    this.#status.say(`${count(imported)} devices are imported.${skipped}${passwords}`);
    this.#showBroken(broken);
  }

  #showBroken(lines: readonly string[]): void {
    const more = lines.length > brokenShown ? [`and ${count(lines.length - brokenShown)} more`] : [];
    this.#broken.replaceChildren(...[...lines.slice(0, brokenShown), ...more].map((line) => h('li', {}, line)));
    this.#broken.hidden = lines.length === 0;
  }

  #saveMade(): void {
    download('passwords.csv', 'text/csv', `id,password\n${this.#made.join('\n')}\n`);
  }
}

/** With the type that its content shows: a browser knows only that of its name. */
async function bodyOf(file: File): Promise<Blob> {
  const isJson = /^\uFEFF?\s*\[/.test(await file.slice(0, 1_024).text());
  return new Blob([file], { type: isJson ? 'application/json' : 'text/csv' });
}
