// The selected truck: its figures, its recent speed, its trail on the map for ten minutes, an hour or a day.
import { byId, glyph, h, setGlyph, stateNames, svg } from './dom.js';
import { age, compassPoint } from './format.js';

const spans = { '10 min': 600_000, '1 h': 3_600_000, '24 h': 86_400_000 };
const sparkPoints = 240;

export class Details {
  #fleet;
  #layer;
  #streetOf;
  #follow;
  #card = byId('details');
  #parts;
  #span = '10 min';
  #speeds = [];
  #asked = 0;
  #lastAt = 0;

  /** `follow(truck)` moves the map; called at every position while following. */
  constructor(fleet, layer, streetOf, follow) {
    this.#fleet = fleet;
    this.#layer = layer;
    this.#streetOf = streetOf;
    this.#follow = follow;
    this.#build();
    fleet.addEventListener('select', () => this.#select());
    fleet.addEventListener('trucks', ({ detail }) => detail.some(({ id }) => id === fleet.selectedId) && this.#moved());
    setInterval(() => this.#render(), 1_000);
    document.addEventListener('keydown', ({ key }) => key === 'Escape' && fleet.select(undefined));
  }

  #build() {
    const gauge = (name, ...value) => h('div', { class: name.toLowerCase() }, h('dt', {}, name), h('dd', {}, ...value));
    const parts = {
      glyph: glyph('moving'),
      name: h('h2'),
      where: h('p', { class: 'where' }),
      speed: h('span', { 'data-testid': 'truck-speed' }),
      needle: svg('0 0 16 16', '<path d="M8 1.2 13.6 14 8 11.2 2.4 14z" fill="currentColor"/>', { class: 'compass' }),
      heading: h('span', { 'data-testid': 'truck-heading' }),
      age: h('span', { 'data-testid': 'truck-age' }),
      spark: svg('0 0 100 40', '', { class: 'spark', preserveAspectRatio: 'none' }),
      legend: h('div', { class: 'spark-legend', 'data-testid': 'trail' }, h('span'), h('span')),
      place: h('dd'),
      seen: h('dd'),
      warning: h('p', { class: 'warning', hidden: true }),
      follow: h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => this.#toggleFollow() }, 'Follow'),
      spans: Object.keys(spans).map((span) =>
        h(
          'button',
          { type: 'button', 'aria-pressed': String(span === this.#span), onclick: () => this.#show(span) },
          span,
        ),
      ),
    };
    this.#parts = parts;
    const close = {
      class: 'icon-button',
      type: 'button',
      'aria-label': 'Close',
      'data-testid': 'close-details',
      onclick: () => this.#fleet.select(undefined),
    };
    this.#card.append(
      h(
        'header',
        {},
        parts.glyph,
        parts.name,
        h(
          'button',
          close,
          svg(
            '0 0 24 24',
            '<path d="m6 6 12 12M18 6 6 18" stroke="currentColor" stroke-width="2" stroke-linecap="round"/>',
          ),
        ),
      ),
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

  #select() {
    const truck = this.#fleet.selected;
    this.#card.hidden = !truck;
    this.#layer.showTrail([]);
    this.#speeds = [];
    if (!truck) return this.#stopFollowing();
    this.#render();
    void this.#loadTrail();
  }

  #show(span) {
    this.#span = span;
    for (const button of this.#parts.spans) button.setAttribute('aria-pressed', String(button.textContent === span));
    void this.#loadTrail();
  }

  /** Reads the trail from the log. A response to an outdated request is dropped. */
  async #loadTrail() {
    const { id, at } = this.#fleet.selected;
    const untilMs = Math.min(at, this.#fleet.now()); // if a device's clock is hours behind, its last hour was hours ago
    const asked = ++this.#asked;
    this.#legend('Reading the track…', '');
    try {
      const points = await readTrail(id, untilMs - spans[this.#span]);
      if (asked !== this.#asked || id !== this.#fleet.selectedId) return;
      this.#speeds = points.map(({ at, kmh }) => ({ at, kmh }));
      this.#lastAt = points.at(-1)?.at ?? 0;
      this.#layer.showTrail(points);
      this.#drawSpark();
    } catch {
      if (asked === this.#asked) this.#legend('The track cannot be read just now', '');
    }
  }

  #moved() {
    const truck = this.#fleet.selected;
    if (truck.at > this.#lastAt && this.#lastAt > 0) {
      this.#lastAt = truck.at;
      this.#layer.extendTrail(truck);
      this.#speeds.push({ at: truck.at, kmh: truck.kmh ?? null });
      this.#drawSpark();
    }
    if (this.#parts.follow.getAttribute('aria-pressed') === 'true') this.#follow(truck);
    this.#render();
  }

  #render() {
    const truck = this.#fleet.selected;
    if (!truck) return;
    const parts = this.#parts;
    const now = this.#fleet.now();
    const state = this.#fleet.stateOf(truck, now);
    setGlyph(parts.glyph, state);
    parts.name.textContent = truck.id;
    const street = this.#streetOf(truck);
    parts.where.textContent = street ? `${stateNames[state]} · ${street}` : stateNames[state];
    parts.speed.textContent = truck.kmh === undefined ? '–' : Math.round(truck.kmh);
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

  #drawSpark() {
    const speeds = thinned(this.#speeds.filter(({ kmh }) => kmh !== null && kmh !== undefined));
    if (speeds.length < 2) {
      this.#parts.spark.innerHTML = '';
      return this.#legend('No track in this time yet', '');
    }
    const [from, to] = [speeds[0].at, speeds.at(-1).at];
    const top = Math.max(50, ...speeds.map(({ kmh }) => kmh));
    const line = speeds
      .map(
        ({ at, kmh }) => `${(((at - from) / (to - from || 1)) * 100).toFixed(2)} ${(40 - (kmh / top) * 38).toFixed(2)}`,
      )
      .join('L');
    this.#parts.spark.innerHTML = `<path class="area" d="M0 40L${line}L100 40z"/><path class="curve" d="M${line}"/>`;
    const most = Math.max(...speeds.map(({ kmh }) => kmh));
    this.#legend(`${age(to - from)} of driving`, `fastest ${Math.round(most)} km/h`);
    this.#parts.legend.dataset.points = this.#speeds.length;
  }

  #legend(left, right) {
    this.#parts.legend.children[0].textContent = left;
    this.#parts.legend.children[1].textContent = right;
  }

  #toggleFollow() {
    const isFollowing = this.#parts.follow.getAttribute('aria-pressed') === 'true';
    this.#parts.follow.setAttribute('aria-pressed', String(!isFollowing));
    if (!isFollowing) this.#follow(this.#fleet.selected);
  }

  #stopFollowing() {
    this.#parts.follow.setAttribute('aria-pressed', 'false');
  }
}

/** Oldest first: { at, lat, lon, kmh }. */
async function readTrail(id, fromMs) {
  const url = `api/trucks/${encodeURIComponent(id)}/track?from=${new Date(fromMs).toISOString()}`;
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const { geometry, properties } = await response.json();
  const { times, speedsKmh } = properties.coordinateProperties;
  return (geometry?.coordinates ?? []).map(([lon, lat], i) => ({
    at: Date.parse(times[i]),
    lat,
    lon,
    kmh: speedsKmh[i],
  }));
}

function thinned(list) {
  const every = Math.ceil(list.length / sparkPoints);
  return list.filter((_, i) => i % every === 0 || i === list.length - 1);
}

function deviceTime(ms, now) {
  const time = new Date(ms);
  const day = now - ms > 43_200_000 ? `${time.toLocaleDateString()} ` : '';
  return day + time.toLocaleTimeString();
}
