// The form of one rule. Its fields are those of the kind's table (RULE_KINDS), which is also what the server checks.
import {
  type Area,
  DAYS,
  type FieldSpec,
  type KindSpec,
  RULE_KINDS,
  type Rule,
  type RuleDraft,
  type RuleKind,
} from '@milepost/alerts';
import { h } from '../dom.ts';
import type { FleetMap } from '../map/fleet-map.ts';
import type { Shape } from '../map/shapes.ts';
import type { Sheet } from '../panel/panel.ts';
import { fieldName, kindNames, kinds } from './describe.ts';
import { type ShapeField, shapeField } from './shape-field.ts';

/** A rule as a request has it. The server reads and checks it. */
export type RuleDocument = Readonly<Record<string, unknown>>;

/** How the value of one field is shown and read. */
interface Field {
  readonly element: HTMLElement;
  /** Undefined: absent. */
  readonly value: () => unknown;
  readonly focus: () => void;
}

interface Options {
  /** Undefined: a new one. */
  readonly rule: Rule | undefined;
  readonly map: FleetMap;
  readonly sheet: Sheet;
}

export class RuleForm {
  readonly element = h('form', { class: 'rule-form', 'data-testid': 'rule-form', novalidate: true });
  readonly #options: Options;
  readonly #name: HTMLInputElement;
  readonly #kind: HTMLSelectElement;
  readonly #enabled: HTMLInputElement;
  readonly #condition = h('div', { class: 'fields' });
  readonly #head: ReadonlyMap<string, Field>;
  readonly #late: HTMLInputElement;
  readonly #lateLabel: HTMLElement;
  readonly #more: HTMLDetailsElement;
  #fields: ReadonlyMap<string, Field> = new Map();

  constructor(options: Options) {
    const { rule } = options;
    this.#options = options;
    this.#name = h('input', { name: 'name', required: true, maxlength: 100, autocomplete: 'off', value: rule?.name });
    this.#enabled = h('input', { type: 'checkbox', checked: rule?.enabled ?? true });
    this.#kind = h('select', { name: 'kind' }, ...kinds.map((kind) => h('option', { value: kind }, kindNames[kind])));
    this.#kind.value = rule?.kind ?? 'geofence';
    this.#kind.addEventListener('change', () => this.#showKind());
    this.#late = h('input', { type: 'checkbox', checked: rule?.alertLate ?? false });
    this.#lateLabel = h('label', { class: 'check' }, this.#late, 'Also for positions that arrive late');
    this.#head = new Map([
      ['trucks', trucksField(rule?.trucks ?? 'all')],
      ['coolDownSeconds', coolDownField(rule?.coolDownSeconds)],
      ['schedule', scheduleField(rule?.schedule)],
    ]);
    this.#more = h(
      'details',
      { open: rule?.schedule !== undefined || rule?.coolDownSeconds !== undefined },
      h('summary', {}, 'When and how often'),
      this.#elementOf('coolDownSeconds'),
      this.#elementOf('schedule'),
      this.#lateLabel,
    );
    this.element.append(
      labelled('Name', this.#name),
      labelled('It fires for', this.#kind),
      this.#condition,
      this.#elementOf('trucks'),
      this.#more,
      h('label', { class: 'check' }, this.#enabled, 'Switched on'),
    );
    this.#showKind();
  }

  focus(): void {
    this.#name.focus();
  }

  /** As the user has filled it in. */
  document(): RuleDocument {
    const { rule } = this.#options;
    const values: [string, unknown][] = [
      ...(rule
        ? ([
            ['id', rule.id],
            ['version', rule.version],
          ] as [string, unknown][])
        : []),
      ['name', this.#name.value.trim()],
      ['enabled', this.#enabled.checked],
      ['kind', this.#kind.value],
      ...[...this.#head, ...this.#fields].map(([name, { value }]): [string, unknown] => [name, value()]),
      ['alertLate', this.#spec.canAlertLate && this.#late.checked ? true : undefined],
    ];
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
  }

  /** The field that the server has refused, such as `schedule.from`. */
  focusField(name: string): void {
    const [field = ''] = name.split(/[.[]/);
    if (this.#head.has(field) && field !== 'trucks') this.#more.open = true;
    (this.#fields.get(field) ?? this.#head.get(field) ?? this).focus();
  }

  get #spec(): KindSpec {
    return RULE_KINDS[this.#kind.value as RuleKind];
  }

  #elementOf(name: string): HTMLElement {
    return this.#head.get(name)?.element ?? h('span');
  }

  #showKind(): void {
    const { map, rule, sheet } = this.#options;
    const known = new Map<string, unknown>(rule?.kind === this.#kind.value ? Object.entries(rule) : []);
    map.endDrawing();
    map.showShape(undefined);
    this.#fields = new Map(
      Object.entries(this.#spec.fields).map(([name, spec]) => {
        const label = fieldName(name, spec);
        return [name, fieldOf(label, spec, known.get(name), map, sheet)];
      }),
    );
    this.#condition.replaceChildren(...[...this.#fields.values()].map(({ element }) => element));
    this.#lateLabel.hidden = !this.#spec.canAlertLate;
    if (this.#kind.value === 'ignition') this.#more.open = true;
  }
}

function labelled(label: string, control: HTMLElement, unit?: string): HTMLElement {
  return h(
    'label',
    { class: 'field' },
    h('span', {}, label),
    control,
    ...(unit ? [h('small', { class: 'unit' }, unit)] : []),
  );
}

function fieldOf(label: string, { absent, is }: FieldSpec, value: unknown, map: FleetMap, sheet: Sheet): Field {
  switch (is.type) {
    case 'number': {
      const input = h('input', {
        type: 'number',
        min: is.from,
        max: is.to,
        step: 'any',
        inputmode: 'decimal',
        required: absent === 'required',
      });
      const shown = value ?? absent;
      input.value = typeof shown === 'number' ? String(shown) : '';
      return { element: labelled(label, input, is.unit), value: () => numberIn(input), focus: () => input.focus() };
    }
    case 'choice': {
      const select = h(
        'select',
        {},
        ...is.values.map((choice) => h('option', { value: choice }, choiceNames[choice] ?? choice)),
      );
      if (typeof value === 'string') select.value = value;
      return { element: labelled(label, select), value: () => select.value, focus: () => select.focus() };
    }
    case 'area':
      return ofShape(
        shapeField({
          label,
          use: 'area',
          isOptional: absent === 'optional',
          shape: value as Area | undefined,
          map,
          sheet,
        }),
      );
    case 'line': {
      const shape: Shape | undefined = value
        ? { type: 'Line', coordinates: value as Extract<Shape, { type: 'Line' }>['coordinates'] }
        : undefined;
      return ofShape(shapeField({ label, use: 'line', isOptional: false, shape, map, sheet }));
    }
  }
}

const choiceNames: Readonly<Record<string, string>> = { enter: 'enters the area', exit: 'leaves the area' };

const ofShape = ({ element, shape }: ShapeField): Field => ({
  element,
  value: () => {
    const drawn = shape();
    return drawn?.type === 'Line' ? drawn.coordinates : drawn;
  },
  focus: () => element.querySelector('button')?.focus(),
});

/** What is no number goes to the server as it is, which names the field. */
function numberIn(input: HTMLInputElement): unknown {
  if (input.value === '' && !input.validity.badInput) return undefined;
  return Number.isNaN(input.valueAsNumber) ? input.value : input.valueAsNumber;
}

function trucksField(trucks: RuleDraft['trucks']): Field {
  const select = h(
    'select',
    {},
    h('option', { value: 'all' }, 'All trucks'),
    h('option', { value: 'pattern' }, 'By a pattern of their names'),
    h('option', { value: 'ids' }, 'Some trucks'),
  );
  const input = h('input', { autocomplete: 'off', spellcheck: 'false', autocapitalize: 'none' });
  const show = (): void => {
    input.hidden = select.value === 'all';
    input.placeholder = select.value === 'pattern' ? 'north-*' : 'truck-1, truck-2';
    input.setAttribute(
      'aria-label',
      select.value === 'pattern' ? 'Pattern: * is any text, ? any character' : 'Names of trucks',
    );
  };
  select.value = trucks === 'all' ? 'all' : 'ids' in trucks ? 'ids' : 'pattern';
  input.value = trucks === 'all' ? '' : 'ids' in trucks ? trucks.ids.join(', ') : trucks.pattern;
  select.addEventListener('change', show);
  show();
  const value = (): RuleDraft['trucks'] => {
    if (select.value === 'all') return 'all';
    if (select.value === 'pattern') return { pattern: input.value.trim() };
    return { ids: input.value.split(/[\s,;]+/).filter((id) => id !== '') };
  };
  const element = h('div', { class: 'field' }, h('label', {}, h('span', {}, 'For'), select), input);
  return { element, value, focus: () => (input.hidden ? select : input).focus() };
}

function coolDownField(seconds: number | undefined): Field {
  const input = h('input', { type: 'number', min: 1, step: 'any', inputmode: 'decimal', placeholder: 'none' });
  input.value = String(seconds ?? '');
  const element = labelled('No second alert for the same truck within', input, 'seconds');
  return { element, value: () => numberIn(input), focus: () => input.focus() };
}

function scheduleField(schedule: RuleDraft['schedule']): Field {
  const isOn = h('input', { type: 'checkbox', checked: schedule !== undefined });
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zone = h('input', { autocomplete: 'off', spellcheck: 'false', value: schedule?.timeZone ?? here });
  const from = h('input', { type: 'time', value: schedule?.from });
  const to = h('input', { type: 'time', value: schedule?.to });
  const days = DAYS.map((day) =>
    h('input', { type: 'checkbox', value: day, checked: schedule?.days?.includes(day) ?? true }),
  );
  const fields = h(
    'div',
    { class: 'fields' },
    h('div', { class: 'times' }, labelled('From', from), labelled('To', to)),
    h(
      'div',
      { class: 'days', role: 'group', 'aria-label': 'Days' },
      ...days.map((day) => h('label', {}, day, h('span', {}, dayNames[day.value] ?? day.value))),
    ),
    labelled('Time zone', zone),
  );
  const show = (): void => {
    fields.hidden = !isOn.checked;
  };
  isOn.addEventListener('change', show);
  show();
  const value = (): unknown => {
    if (!isOn.checked) return undefined;
    const chosen = days.filter(({ checked }) => checked).map(({ value }) => value);
    return {
      timeZone: zone.value.trim(),
      ...(chosen.length < days.length && { days: chosen }),
      ...(from.value && { from: from.value }),
      ...(to.value && { to: to.value }),
    };
  };
  const element = h('div', {}, h('label', { class: 'check' }, isOn, 'Only at certain times'), fields);
  return { element, value, focus: () => (isOn.checked ? from : isOn).focus() };
}

const dayNames: Readonly<Record<string, string>> = {
  mon: 'Mo',
  tue: 'Tu',
  wed: 'We',
  thu: 'Th',
  fri: 'Fr',
  sat: 'Sa',
  sun: 'Su',
};
