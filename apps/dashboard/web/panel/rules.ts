// The rules: a list, and the form of one rule. Users who may only look see both without the buttons that would be refused.
import type { Rule } from '@milepost/alerts';
import { read, RequestFailed, send } from '../api.ts';
import { byId, h } from '../dom.ts';
import type { Fleet } from '../fleet.ts';
import { age } from '../format.ts';
import type { FleetMap } from '../map/fleet-map.ts';
import { BackTest } from '../rules/back-test.ts';
import { describeRule } from '../rules/describe.ts';
import { RuleForm } from '../rules/rule-form.ts';
import { mayOperate } from '../session.ts';
import type { Sheet } from './panel.ts';

/** The response to a change. */
interface Saved {
  readonly rule: Rule;
  /** Those that it names and nobody has heard. */
  readonly unheardTrucks: readonly string[];
}

interface Options {
  readonly fleet: Fleet;
  readonly map: FleetMap;
  readonly sheet: Sheet;
}

export class Rules {
  readonly #options: Options;
  readonly #view = byId('view-rules');
  readonly #state = h('p', { class: 'note', role: 'status', 'data-testid': 'rules-state' });
  readonly #list = h('ul', { class: 'rules', 'aria-label': 'Rules', 'data-testid': 'rules' });
  readonly #editor = h('div', { class: 'editor', hidden: true });
  readonly #overview: HTMLElement;
  readonly #add = h(
    'button',
    { type: 'button', class: 'primary', 'data-testid': 'new-rule', onclick: () => this.#edit(undefined) },
    'New rule',
  );
  #rules: readonly Rule[] = [];
  #mayChange = false;
  #backTest: BackTest | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#overview = h(
      'div',
      { class: 'overview' },
      h('div', { class: 'buttons' }, this.#add),
      this.#state,
      this.#list,
    );
    this.#view.append(this.#overview, this.#editor);
    options.fleet.on('alerts', () => {
      if (!this.#view.hidden) this.#render();
    });
  }

  /** The tab came to the front. */
  async refresh(): Promise<void> {
    this.#options.map.showRuleOverlay();
    try {
      this.#mayChange = await mayOperate();
      this.#rules = await read<readonly Rule[]>('api/rules');
      this.#state.textContent =
        this.#rules.length === 0 ? 'No rules yet. A rule raises an alert when a truck does what it says.' : '';
    } catch (error) {
      this.#state.textContent = (error as Error).message;
    }
    this.#render();
  }

  /** Another tab came to the front. An open form remains, and what it shows on the map comes back with it. */
  leave(): void {
    this.#options.map.hideRuleOverlay();
  }

  #render(): void {
    this.#add.hidden = !this.#mayChange;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset['focus'] : undefined;
    this.#list.replaceChildren(...this.#rules.map((rule) => this.#row(rule)));
    if (focused) this.#list.querySelector<HTMLElement>(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  #row(rule: Rule): HTMLElement {
    const isOn = h('input', {
      type: 'checkbox',
      role: 'switch',
      checked: rule.enabled,
      disabled: !this.#mayChange,
      'aria-label': `${rule.name} is switched on`,
      'data-focus': `on-${rule.id}`,
      onchange: () => void this.#switch(rule, isOn.checked),
    });
    const open = {
      type: 'button',
      class: 'rule',
      'data-testid': 'rule-row',
      'data-rule-id': rule.id,
      'data-focus': rule.id,
      onclick: () => this.#edit(rule),
    };
    return h(
      'li',
      {},
      h(
        'button',
        open,
        h('b', {}, rule.name),
        h('span', {}, describeRule(rule)),
        h('small', {}, this.#lastFired(rule)),
      ),
      isOn,
    );
  }

  /** As far as the page knows: the recent alerts. */
  #lastFired({ enabled, id }: Rule): string {
    const last = this.#options.fleet.alerts.find(({ rule }) => rule === id);
    if (last) return `Last fired ${age(this.#options.fleet.now() - Date.parse(last.ts))} ago`;
    return enabled ? 'Has not fired in the last day' : 'Switched off';
  }

  async #switch(rule: Rule, enabled: boolean): Promise<void> {
    try {
      await send('PATCH', `api/rules/${rule.id}`, { enabled, version: rule.version });
      await this.refresh();
    } catch (error) {
      await this.refresh();
      this.#state.textContent = (error as Error).message;
    }
  }

  #edit(rule: Rule | undefined): void {
    const { fleet, map, sheet } = this.#options;
    const form = new RuleForm({ rule, map, sheet });
    const problem = h('p', { class: 'problem', role: 'alert', hidden: true, 'data-testid': 'rule-problem' });
    const refuse = (error: Error): void => {
      problem.textContent = error.message;
      problem.hidden = false;
      if (error instanceof RequestFailed && error.field) form.focusField(error.field);
    };
    const save = h('button', { type: 'submit', class: 'primary' }, 'Save');
    const back = h('button', { type: 'button', class: 'link', onclick: () => this.#close(rule) }, '‹ Rules');
    const remove =
      rule && h('button', { type: 'button', class: 'danger', onclick: () => void confirmRemoval() }, 'Delete');
    const confirmRemoval = async (): Promise<void> => {
      if (!rule || !remove) return;
      if (remove.dataset['armed'] === undefined) {
        remove.dataset['armed'] = '';
        remove.textContent = 'Delete for good?';
        return;
      }
      await send('DELETE', `api/rules/${rule.id}`).then(() => this.#saved(`${rule.name} is deleted.`), refuse);
    };
    form.element.addEventListener('submit', (event) => {
      event.preventDefault();
      problem.hidden = true;
      save.disabled = true;
      const request = rule
        ? send<Saved>('PUT', `api/rules/${rule.id}`, form.document())
        : send<Saved>('POST', 'api/rules', form.document());
      void request.then((saved) => this.#saved(sentenceOf(saved)), refuse).finally(() => (save.disabled = false));
    });
    form.element.append(
      problem,
      ...(this.#mayChange ? [h('div', { class: 'buttons' }, save, ...(remove ? [remove] : []))] : []),
    );
    this.#backTest?.stop();
    this.#backTest = new BackTest({ map, rule: () => form.document(), now: () => fleet.now(), onRefused: refuse });
    this.#editor.replaceChildren(
      back,
      h('h2', {}, rule ? rule.name : 'New rule'),
      this.#mayChange ? form.element : h('fieldset', { disabled: true, class: 'read-only' }, form.element),
      ...(this.#mayChange ? [this.#backTest.element] : []),
    );
    this.#overview.hidden = true;
    this.#editor.hidden = false;
    this.#view.scrollTop = 0;
    map.frameRule();
    form.focus();
  }

  #saved(message: string): void {
    this.#close();
    void this.refresh().then(() => (this.#state.textContent = message));
    this.#add.focus();
  }

  #close(rule?: Rule): void {
    if (this.#editor.hidden) return;
    this.#backTest?.stop();
    this.#editor.replaceChildren();
    this.#options.map.endDrawing();
    this.#options.map.showShape(undefined);
    this.#editor.hidden = true;
    this.#overview.hidden = false;
    this.#list.querySelector<HTMLElement>(`[data-focus="${CSS.escape(rule?.id ?? '')}"]`)?.focus();
  }
}

function sentenceOf({ rule, unheardTrucks }: Saved): string {
  const saved = `${rule.name} is saved${rule.enabled ? '' : ', and switched off'}.`;
  return unheardTrucks.length === 0 ? saved : `${saved} Never heard so far: ${unheardTrucks.join(', ')}.`;
}
