// The selected truck: its figures, its recent speed, its trail on the map for ten minutes, an hour or a day.
import type { Track } from '../../src/views.ts';
import { read } from '../api.ts';
import { byId, glyph, h, setGlyph, stateNames, svg } from '../dom.ts';
import type { Fleet, Truck } from '../fleet.ts';
import { age, compassPoint } from '../format.ts';
import type { TrucksLayer } from '../map/trucks-layer.ts';

const spans = { '10 min': 600_000, '1 h': 3_600_000, '24 h': 86_400_000 } as const;
type Span = keyof typeof spans;
const spanNames = Object.keys(spans) as readonly Span[];
const sparkPoints = 240;

interface Speed {
  readonly at: number;
  /** Null: the device sent none. */
  readonly kmh: number | null;
}
interface TrailPoint extends Speed {
  readonly lat: number;
  readonly lon: number;
}

export class Details {
  readonly #fleet: Fleet;
  readonly #layer: TrucksLayer;
  readonly #streetOf: (truck: Truck) => string | undefined;
  readonly #follow: (truck: Truck) => void;
  readonly #card = byId('details');
  readonly #parts;
  #span: Span = '10 min';
  #speeds: Speed[] = [];
  #requests = 0;
  #lastAt = 0;

  /** `follow(truck)` moves the map; called at every position while following. */
  constructor(
    fleet: Fleet,
    layer: TrucksLayer,
    streetOf: (truck: Truck) => string | undefined,
    follow: (truck: Truck) => void,
  ) {
    this.#fleet = fleet;
    this.#layer = layer;
    this.#streetOf = streetOf;
    this.#follow = follow;
    this.#parts = this.#newParts();
    this.#build();
    fleet.on('select', () => this.#select());
    fleet.on('trucks', (rows) => {
      if (rows.some(({ id }) => id === fleet.selectedId)) this.#moved();
    });
    setInterval(() => this.#render(), 1_000);
    document.addEventListener('keydown', ({ key }) => {
      if (key === 'Escape') fleet.select(undefined);
    });
  }

  #newParts() {
    return {
      glyph: glyph('moving'),
      name: h('h2'),
      where: h('p', { class: 'where' }),
      speed: h('span', { 'data-testid': 'truck-speed' }),
      needle: svg('0 0 16 16', '<path d="M8 1.2 13.6 14 8 11.2 2.4 14z" fill="currentColor"/>', { class: 'compass' }),
      heading: h('span', { 'data-testid': 'truck-heading' }),
      age: h('span', { 'data-testid': 'truck-age' }),
      spark: svg('0 0 100 40', '', { class: 'spark', preserveAspectRatio: 'none' }),
      legend: h('div', { class: 'spark-legend', 'data-testid': 'trail' }),
      legendLeft: h('span'),
      legendRight: h('span'),
      place: h('dd'),
      seen: h('dd'),
      warning: h('p', { class: 'warning', hidden: true }),
      follow: h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => this.#toggleFollow() }, 'Follow'),
      spans: spanNames.map((span) =>
        h(
          'button',
          { type: 'button', 'aria-pressed': String(span === this.#span), onclick: () => this.#show(span) },
          span,
        ),
      ),
    };
  }

  #build(): void {
    const parts = this.#parts;
    const gauge = (name: string, ...value: readonly Node[]): HTMLElement =>
      h('div', { class: name.toLowerCase() }, h('dt', {}, name), h('dd', {}, ...value));
    const close = {
      class: 'icon-button',
      type: 'button',
      'aria-label': 'Close',
      'data-testid': 'close-details',
      onclick: () => this.#fleet.select(undefined),
    };
    const cross = '<path d="m6 6 12 12M18 6 6 18" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>';
    parts.legend.append(parts.legendLeft, parts.legendRight);
    this.#card.append(
      h('header', {}, parts.glyph, parts.name, h('button', close, svg('0 0 24 24', cross))),
      parts.where,
      h(
        'dl',
        { class: 'gauges' },
        gauge('Speed', parts.speed, h('span', { class: 'unit' }, 'km/h')),
        gauge('Heading', parts.needle, parts.heading),
        gauge('Heard', parts.age),
      ),
      parts.spark,
      parts.legend,
      h(
        'div',
        { class: 'actions' },
        h('div', { class: 'segments', role: 'group', 'aria-label': 'Trail' }, ...parts.spans),
        parts.follow,
      ),
      h('dl', { class: 'facts' }, h('dt', {}, 'Position'), parts.place, h('dt', {}, 'Device time'), parts.seen),
      parts.warning,
    );
  }

  #select(): void {
    const truck = this.#fleet.selected;
    this.#card.hidden = !truck;
    this.#layer.showTrail([]);
    this.#speeds = [];
    if (!truck) return this.#stopFollowing();
    this.#render();
    void this.#loadTrail(truck);
  }

  #show(span: Span): void {
    this.#span = span;
    for (const button of this.#parts.spans) button.setAttribute('aria-pressed', String(button.textContent === span));
    const { selected } = this.#fleet;
    if (selected) void this.#loadTrail(selected);
  }

  /** Reads the trail from the log. A response to an outdated request is dropped. */
  async #loadTrail({ id, at }: Truck): Promise<void> {
    const untilMs = Math.min(at, this.#fleet.now()); // if a device's clock is hours behind, its last hour was hours ago
    const request = ++this.#requests;
    this.#legend('Reading the track…', '');
    try {
      const points = await readTrail(id, untilMs - spans[this.#span]);
      if (request !== this.#requests || id !== this.#fleet.selectedId) return;
      this.#speeds = points.map(({ at, kmh }) => ({ at, kmh }));
      this.#lastAt = points.at(-1)?.at ?? 0;
      this.#layer.showTrail(points);
      this.#drawSpark();
    } catch {
      if (request === this.#requests) this.#legend('The track cannot be read just now', '');
    }
  }

  #moved(): void {
    const truck = this.#fleet.selected;
    if (!truck) return;
    if (truck.at > this.#lastAt && this.#lastAt > 0) {
      this.#lastAt = truck.at;
      this.#layer.extendTrail(truck);
      this.#speeds.push({ at: truck.at, kmh: truck.kmh ?? null });
      this.#drawSpark();
    }
    if (this.#isFollowing) this.#follow(truck);
    this.#render();
  }

  #render(): void {
    const truck = this.#fleet.selected;
    if (!truck) return;
    const parts = this.#parts;
    const now = this.#fleet.now();
    const state = this.#fleet.stateOf(truck, now);
    setGlyph(parts.glyph, state);
    parts.name.textContent = truck.id;
    const street = this.#streetOf(truck);
    parts.where.textContent = street ? `${stateNames[state]} · ${street}` : stateNames[state];
    parts.speed.textContent = truck.kmh === undefined ? '–' : String(Math.round(truck.kmh));
    parts.heading.textContent = truck.deg === undefined ? '–' : `${compassPoint(truck.deg)} ${truck.deg}°`;
    parts.needle.style.transform = `rotate(${truck.deg ?? 0}deg)`;
    parts.needle.style.visibility = truck.deg === undefined ? 'hidden' : 'visible';
    parts.age.textContent = age(now - truck.heard);
    parts.place.textContent = `${truck.lat.toFixed(5)}, ${truck.lon.toFixed(5)}`;
    parts.seen.textContent = deviceTime(truck.at, now);
    parts.warning.hidden = !truck.clockWrong;
    parts.warning.textContent =
      'The clock of this device is wrong: its positions are placed by when they were received.';
  }

  #drawSpark(): void {
    const speeds = thinned(this.#speeds.flatMap(({ at, kmh }) => (kmh === null ? [] : [{ at, kmh }])));
    const [first, last] = [speeds[0], speeds.at(-1)];
    if (!first || !last || first === last) {
      this.#parts.spark.replaceChildren();
      return this.#legend('No track in this time yet', '');
    }
    const spanMs = last.at - first.at;
    const fastest = Math.max(...speeds.map(({ kmh }) => kmh));
    const top = Math.max(50, fastest);
    const line = speeds
      .map(
        ({ at, kmh }) =>
          `${(((at - first.at) / (spanMs || 1)) * 100).toFixed(2)} ${(40 - (kmh / top) * 38).toFixed(2)}`,
      )
      .join('L');
    this.#parts.spark.innerHTML = `<path class="area" d="M0 40L${line}L100 40z"/><path class="curve" d="M${line}"/>`;
    this.#legend(`${age(spanMs)} of driving`, `fastest ${Math.round(fastest)} km/h`);
    this.#parts.legend.dataset['points'] = String(this.#speeds.length);
  }

  #legend(left: string, right: string): void {
    this.#parts.legendLeft.textContent = left;
    this.#parts.legendRight.textContent = right;
  }

  get #isFollowing(): boolean {
    return this.#parts.follow.getAttribute('aria-pressed') === 'true';
  }

  #toggleFollow(): void {
    const { selected } = this.#fleet;
    const isFollowing = !this.#isFollowing;
    this.#parts.follow.setAttribute('aria-pressed', String(isFollowing));
    if (isFollowing && selected) this.#follow(selected);
  }

  #stopFollowing(): void {
    this.#parts.follow.setAttribute('aria-pressed', 'false');
  }
}

/** Oldest first. */
async function readTrail(id: string, fromMs: number): Promise<TrailPoint[]> {
  const from = new Date(fromMs).toISOString();
  const { geometry, properties } = await read<Track>(`api/trucks/${encodeURIComponent(id)}/track?from=${from}`);
  const { times, speedsKmh } = properties.coordinateProperties;
  return (geometry?.coordinates ?? []).map(([lon, lat], i) => ({
    at: Date.parse(times[i] ?? ''),
    lat,
    lon,
    kmh: speedsKmh[i] ?? null,
  }));
}

function thinned<T>(list: readonly T[]): T[] {
  const every = Math.ceil(list.length / sparkPoints);
  return list.filter((_, i) => i % every === 0 || i === list.length - 1);
}

function deviceTime(ms: number, now: number): string {
  const time = new Date(ms);
  const day = now - ms > 43_200_000 ? `${time.toLocaleDateString()} ` : '';
  return day + time.toLocaleTimeString();
}
