// The list of trucks: filtered and sorted. Only the visible rows are in the document, so that thousands scroll well.
import { byId, glyph, h, setGlyph, setText, stateNames } from '../dom.ts';
import type { Fleet, FleetState, Truck } from '../fleet.ts';
import { age, compassPoint, count } from '../format.ts';

const rowPx = 56;
const spareRows = 4;
const refreshMs = 1_000;
const states = Object.keys(stateNames) as readonly FleetState[];
const byState: Readonly<Record<FleetState, number>> = { alert: 0, silent: 1, moving: 2, stopped: 3 };

interface Row {
  readonly element: HTMLElement;
  readonly glyph: SVGSVGElement;
  /** What the symbol says, for screen readers. */
  readonly spoken: HTMLElement;
  readonly where: HTMLElement;
  readonly speed: HTMLElement;
  readonly detail: HTMLElement;
}
interface StateButton {
  readonly state: FleetState;
  readonly element: HTMLElement;
  readonly count: HTMLElement;
}

export class TruckList {
  readonly #fleet: Fleet;
  readonly #streetOf: (truck: Truck) => string | undefined;
  readonly #onFilter: (isHidden: (truck: Truck) => boolean) => void;
  readonly #list = byId('list');
  readonly #space = h('div', { class: 'list-space', role: 'presentation' });
  readonly #search = byId('search', HTMLInputElement);
  readonly #sort = byId('sort', HTMLSelectElement);
  readonly #rows = new Map<string, Row>();
  readonly #buttons: readonly StateButton[];
  #shown: readonly Truck[] = [];
  #filter: FleetState | undefined;
  #activeId: string | undefined;

  /** `streetOf(truck)`: a name or nothing. `onFilter(isHidden)`: the map follows the list. */
  constructor(
    fleet: Fleet,
    streetOf: (truck: Truck) => string | undefined,
    onFilter: (isHidden: (truck: Truck) => boolean) => void,
  ) {
    this.#fleet = fleet;
    this.#streetOf = streetOf;
    this.#onFilter = onFilter;
    this.#buttons = states.map((state) => this.#newButton(state));
    byId('summary').append(...this.#buttons.map(({ element }) => element));
    this.#list.append(this.#space);
    this.#search.addEventListener('input', () => this.refresh());
    this.#sort.addEventListener('change', () => this.refresh());
    this.#list.addEventListener('scroll', () => this.#render(), { passive: true });
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    this.#list.addEventListener('click', ({ target }) => this.#choose(truckIdAt(target)));
    new ResizeObserver(() => this.#render()).observe(this.#list);
    fleet.on('select', () => this.#revealSelected());
    setInterval(() => this.refresh(), refreshMs);
  }

  refresh(): void {
    const now = this.#fleet.now();
    const trucks = [...this.#fleet.trucks.values()];
    const states = new Map(trucks.map((truck) => [truck.id, this.#fleet.stateOf(truck, now)]));
    this.#countStates(states);
    const text = this.#search.value.trim().toLowerCase();
    const isWanted = (truck: Truck): boolean => {
      if (this.#filter && states.get(truck.id) !== this.#filter) return false;
      return !text || truck.id.toLowerCase().includes(text) || !!this.#streetOf(truck)?.toLowerCase().includes(text);
    };
    this.#shown = trucks.filter(isWanted).sort(comparison(this.#sort.value, states));
    const ids = new Set(this.#shown.map(({ id }) => id));
    this.#onFilter(this.#filter || text ? ({ id }) => !ids.has(id) : () => false);
    this.#explainEmpty(text);
    this.#space.style.height = `${this.#shown.length * rowPx}px`;
    this.#render();
  }

  #newButton(state: FleetState): StateButton {
    const count = h('b', { 'data-testid': `count-${state}` }, '0');
    const element = h(
      'button',
      { type: 'button', 'aria-pressed': 'false', 'data-state': state, onclick: () => this.#toggle(state) },
      count,
      h('span', {}, glyph(state), stateNames[state]),
    );
    return { state, element, count };
  }

  #toggle(chosen: FleetState): void {
    this.#filter = this.#filter === chosen ? undefined : chosen;
    for (const { state, element } of this.#buttons)
      element.setAttribute('aria-pressed', String(state === this.#filter));
    this.refresh();
  }

  #countStates(states: ReadonlyMap<string, FleetState>): void {
    const found = Map.groupBy(states.values(), (state) => state);
    for (const button of this.#buttons) button.count.textContent = count(found.get(button.state)?.length ?? 0);
    this.#list.dataset['trucks'] = String(states.size);
  }

  #explainEmpty(text: string): void {
    const empty = byId('list-empty');
    empty.hidden = this.#shown.length > 0;
    if (!this.#fleet.isKnown) empty.textContent = 'Waiting for the server…';
    else if (this.#fleet.trucks.size === 0)
      empty.textContent = 'No trucks yet. The first position that a device publishes puts it on the map.';
    else empty.textContent = text ? `No truck or street matches “${text}”.` : 'No truck is in that state right now.';
  }

  #render(): void {
    const first = Math.max(0, Math.floor(this.#list.scrollTop / rowPx) - spareRows);
    const last = Math.ceil((this.#list.scrollTop + this.#list.clientHeight) / rowPx) + spareRows;
    const visible = this.#shown.slice(first, last);
    const ids = new Set(visible.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    visible.forEach((truck, i) => this.#renderRow(truck, first + i));
    const active = this.#activeId === undefined ? undefined : this.#rows.get(this.#activeId)?.element.id;
    if (active) this.#list.setAttribute('aria-activedescendant', active);
    else this.#list.removeAttribute('aria-activedescendant');
  }

  #renderRow(truck: Truck, index: number): void {
    const { element, glyph: sign, spoken, where, speed, detail } = this.#rows.get(truck.id) ?? this.#newRow(truck.id);
    const now = this.#fleet.now();
    const state = this.#fleet.stateOf(truck, now);
    setGlyph(sign, state);
    const street = this.#streetOf(truck);
    setText(spoken, street === undefined ? '' : stateNames[state]);
    setText(where, street ?? stateNames[state]);
    setText(speed, truck.kmh === undefined ? '–' : String(Math.round(truck.kmh)));
    const direction = state === 'moving' && truck.deg !== undefined ? `${compassPoint(truck.deg)} · ` : '';
    setText(detail, direction + age(now - truck.heard));
    element.style.top = `${index * rowPx}px`;
    element.setAttribute('aria-posinset', String(index + 1));
    element.setAttribute('aria-setsize', String(this.#shown.length));
    element.setAttribute('aria-selected', String(truck.id === this.#fleet.selectedId));
    element.classList.toggle('is-active', truck.id === this.#activeId && document.activeElement === this.#list);
  }

  #newRow(id: string): Row {
    const parts = {
      glyph: glyph('stopped'),
      spoken: h('div', { class: 'visually-hidden' }),
      where: h('div', { class: 'where' }),
      speed: h('b'),
      detail: h('small'),
    };
    const element = h(
      'div',
      { class: 'row', role: 'option', id: `row-${id}`, 'data-testid': 'truck-row', 'data-truck-id': id },
      parts.glyph,
      h('div', { class: 'text' }, h('div', { class: 'name' }, id), parts.spoken, parts.where),
      h('div', { class: 'figures' }, parts.speed, h('span', { class: 'unit' }, 'km/h'), parts.detail),
    );
    const row = { element, ...parts };
    this.#rows.set(id, row);
    this.#space.append(element);
    return row;
  }

  #choose(id: string | undefined): void {
    if (!id) return;
    this.#activeId = id;
    this.#fleet.select(id);
  }

  #key(event: KeyboardEvent): void {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity } as const;
    if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#activeId);
    else if (event.key in moves) this.#activate(moves[event.key as keyof typeof moves]);
    else return;
    event.preventDefault();
  }

  #activate(by: number): void {
    const from = this.#shown.findIndex(({ id }) => id === this.#activeId);
    const index = Math.min(this.#shown.length - 1, Math.max(0, from + by));
    this.#activeId = this.#shown[index]?.id;
    this.#reveal(index);
    this.#render();
  }

  #revealSelected(): void {
    const index = this.#shown.findIndex(({ id }) => id === this.#fleet.selectedId);
    if (index >= 0) this.#reveal(index);
    this.#render();
  }

  #reveal(index: number): void {
    const [top, bottom] = [index * rowPx, (index + 1) * rowPx];
    if (top < this.#list.scrollTop) this.#list.scrollTop = top;
    else if (bottom > this.#list.scrollTop + this.#list.clientHeight)
      this.#list.scrollTop = bottom - this.#list.clientHeight;
  }
}

/** Of the row that was clicked. */
export function truckIdAt(target: EventTarget | null): string | undefined {
  return target instanceof Element ? target.closest<HTMLElement>('.row')?.dataset['truckId'] : undefined;
}

type Comparison = (a: Truck, b: Truck) => number;

function comparison(sort: string, states: ReadonlyMap<string, FleetState>): Comparison {
  const byName: Comparison = (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true });
  const rankOf = ({ id }: Truck): number => byState[states.get(id) ?? 'stopped'];
  if (sort === 'speed') return (a, b) => (b.kmh ?? -1) - (a.kmh ?? -1) || byName(a, b);
  if (sort === 'age') return (a, b) => Math.round((a.heard - b.heard) / 5_000) || byName(a, b);
  if (sort === 'state') return (a, b) => rankOf(a) - rankOf(b) || byName(a, b);
  return byName;
}
