// The list of trucks: filtered and sorted. Only the visible rows are in the document, so that thousands scroll well.
import { byId, glyph, h, setGlyph, stateNames } from './dom.js';
import { age, compassPoint, count } from './format.js';

const rowPx = 56;
const spareRows = 4;
const refreshMs = 1_000;
const byState = { alert: 0, silent: 1, moving: 2, stopped: 3 };

export class TruckList {
  #fleet;
  #streetOf;
  #onFilter;
  #list = byId('list');
  #space = this.#list.firstElementChild;
  #rows = new Map();
  #shown = [];
  #filter;
  #activeId;

  /** `streetOf(truck)`: a name or nothing. `onFilter(isHidden)`: the map follows the list. */
  constructor(fleet, streetOf, onFilter) {
    this.#fleet = fleet;
    this.#streetOf = streetOf;
    this.#onFilter = onFilter;
    this.#buildSummary();
    byId('search').addEventListener('input', () => this.refresh());
    byId('sort').addEventListener('change', () => this.refresh());
    this.#list.addEventListener('scroll', () => this.#render(), { passive: true });
    this.#list.addEventListener('keydown', (event) => this.#key(event));
    this.#list.addEventListener('click', ({ target }) => this.#choose(target.closest('.row')?.dataset.truckId));
    new ResizeObserver(() => this.#render()).observe(this.#list);
    fleet.addEventListener('select', () => this.#revealSelected());
    setInterval(() => this.refresh(), refreshMs);
  }

  refresh() {
    const now = this.#fleet.now();
    const states = new Map(
      [...this.#fleet.trucks.values()].map((truck) => [truck.id, this.#fleet.stateOf(truck, now)]),
    );
    this.#countStates(states);
    const text = byId('search').value.trim().toLowerCase();
    const isWanted = (truck) => {
      if (this.#filter && states.get(truck.id) !== this.#filter) return false;
      return !text || truck.id.toLowerCase().includes(text) || !!this.#streetOf(truck)?.toLowerCase().includes(text);
    };
    this.#shown = [...this.#fleet.trucks.values()].filter(isWanted).sort(comparison(byId('sort').value, states));
    const ids = new Set(this.#shown.map(({ id }) => id));
    this.#onFilter(this.#filter || text ? ({ id }) => !ids.has(id) : () => false);
    this.#sayEmpty(text);
    this.#space.style.height = `${this.#shown.length * rowPx}px`;
    this.#render();
  }

  #buildSummary() {
    const buttons = Object.keys(stateNames).map((state) =>
      h(
        'button',
        { type: 'button', 'aria-pressed': 'false', 'data-state': state, onclick: () => this.#toggle(state) },
        h('b', { 'data-testid': `count-${state}` }, '0'),
        h('span', {}, glyph(state), stateNames[state]),
      ),
    );
    byId('summary').append(...buttons);
  }

  #toggle(state) {
    this.#filter = this.#filter === state ? undefined : state;
    for (const button of byId('summary').children)
      button.setAttribute('aria-pressed', String(button.dataset.state === this.#filter));
    this.refresh();
  }

  #countStates(states) {
    const counts = Object.groupBy(states.values(), (state) => state);
    for (const button of byId('summary').children)
      button.querySelector('b').textContent = count(counts[button.dataset.state]?.length ?? 0);
    this.#list.dataset.trucks = states.size;
  }

  #sayEmpty(text) {
    const empty = byId('list-empty');
    empty.hidden = this.#shown.length > 0;
    if (this.#fleet.trucks.size === 0)
      empty.textContent = 'No trucks yet. The first position that a device publishes puts it on the map.';
    else empty.textContent = text ? `No truck or street matches “${text}”.` : 'No truck is in that state right now.';
  }

  #render() {
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
    const active = this.#rows.get(this.#activeId)?.element.id;
    if (active) this.#list.setAttribute('aria-activedescendant', active);
    else this.#list.removeAttribute('aria-activedescendant');
  }

  #renderRow(truck, index) {
    const row = this.#rows.get(truck.id) ?? this.#newRow(truck.id);
    const { element, glyph: sign, where, speed, detail } = row;
    const now = this.#fleet.now();
    const state = this.#fleet.stateOf(truck, now);
    setGlyph(sign, state);
    const street = this.#streetOf(truck);
    setText(where, street ?? stateNames[state]);
    setText(speed, truck.kmh === undefined ? '–' : String(Math.round(truck.kmh)));
    const direction = state === 'moving' && truck.deg !== undefined ? `${compassPoint(truck.deg)} · ` : '';
    setText(detail, direction + age(now - truck.heard));
    element.style.top = `${index * rowPx}px`;
    element.setAttribute('aria-posinset', index + 1);
    element.setAttribute('aria-setsize', this.#shown.length);
    element.setAttribute('aria-selected', String(truck.id === this.#fleet.selectedId));
    element.setAttribute(
      'aria-label',
      `${truck.id}, ${stateNames[state]}, ${Math.round(truck.kmh ?? 0)} km/h${street ? `, ${street}` : ''}`,
    );
    element.classList.toggle('is-active', truck.id === this.#activeId && document.activeElement === this.#list);
  }

  #newRow(id) {
    const row = { glyph: glyph('stopped'), where: h('div', { class: 'where' }), speed: h('b'), detail: h('small') };
    row.element = h(
      'div',
      { class: 'row', role: 'option', id: `row-${id}`, 'data-testid': 'truck-row', 'data-truck-id': id },
      row.glyph,
      h('div', { class: 'text' }, h('div', { class: 'name' }, id), row.where),
      h('div', { class: 'figures' }, row.speed, h('span', { class: 'unit' }, 'km/h'), row.detail),
    );
    this.#rows.set(id, row);
    this.#space.append(row.element);
    return row;
  }

  #choose(id) {
    if (!id) return;
    this.#activeId = id;
    this.#fleet.select(id);
  }

  #key(event) {
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity };
    if (event.key === 'Enter' || event.key === ' ') this.#choose(this.#activeId);
    else if (event.key in moves) this.#activate(moves[event.key]);
    else return;
    event.preventDefault();
  }

  #activate(by) {
    const from = this.#shown.findIndex(({ id }) => id === this.#activeId);
    const index = Math.min(this.#shown.length - 1, Math.max(0, from + by));
    this.#activeId = this.#shown[index]?.id;
    this.#reveal(index);
    this.#render();
  }

  #revealSelected() {
    const index = this.#shown.findIndex(({ id }) => id === this.#fleet.selectedId);
    if (index >= 0) this.#reveal(index);
    this.#render();
  }

  #reveal(index) {
    const [top, bottom] = [index * rowPx, (index + 1) * rowPx];
    if (top < this.#list.scrollTop) this.#list.scrollTop = top;
    else if (bottom > this.#list.scrollTop + this.#list.clientHeight)
      this.#list.scrollTop = bottom - this.#list.clientHeight;
  }
}

function comparison(sort, states) {
  const byName = (a, b) => a.id.localeCompare(b.id, undefined, { numeric: true });
  if (sort === 'speed') return (a, b) => (b.kmh ?? -1) - (a.kmh ?? -1) || byName(a, b);
  if (sort === 'age') return (a, b) => Math.round((a.heard - b.heard) / 5_000) || byName(a, b);
  if (sort === 'state') return (a, b) => byState[states.get(a.id)] - byState[states.get(b.id)] || byName(a, b);
  return byName;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
