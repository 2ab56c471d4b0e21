// The page: a map of roads, the trucks on it, a panel beside it; all of them follow one Fleet.
import * as L from './leaflet/leaflet-src.esm.js';
import { Alerts } from './alerts.js';
import { connect } from './connection.js';
import { Details } from './details.js';
import { byId, h, svg } from './dom.js';
import { Fleet } from './fleet.js';
import { setUpSheet, setUpTabs } from './panel.js';
import { Roads } from './roads.js';
import { RoadsLayer } from './roads-layer.js';
import { setUpSystem } from './system.js';
import { setUpTheme } from './theme.js';
import { TruckList } from './truck-list.js';
import { TrucksLayer } from './trucks-layer.js';

const home = { center: [57.7055, 11.967], zoom: 13 };
const closeZoom = 15;
const connectionNames = { connecting: 'Connecting', live: 'Live', lost: 'Reconnecting' };
/** A street's name is looked up again after a truck has moved this far, in degrees. */
const streetStep = 0.0002;

const isPhone = matchMedia('(max-width: 720px)').matches;
const fleet = new Fleet();
const zoomSnap = isPhone ? 0.5 : 1; // a small screen has no room for half a fleet
const map = L.map('map', { ...home, zoomControl: false, maxZoom: 19, minZoom: 3, zoomSnap, attributionControl: false });
L.control.attribution({ prefix: false, position: isPhone ? 'topright' : 'bottomright' }).addTo(map);
L.control.scale({ imperial: false, position: 'bottomright' }).addTo(map);
L.control.zoom({ position: 'bottomright' }).addTo(map);
const trucks = new TrucksLayer(map, fleet);
const sheet = setUpSheet();
let roads;
let roadsLayer;

const list = new TruckList(fleet, streetOf, (isHidden) => trucks.hide(isHidden));
const details = new Details(fleet, trucks, streetOf, (truck) => showAt(truck, map.getZoom()));
const alerts = new Alerts(fleet, choose);
setUpTabs({ alerts: () => alerts.markSeen(), system: setUpSystem(), trucks: () => list.refresh() });
setUpTheme(() => {
  trucks.readColours();
  roadsLayer?.repaint();
});
addFitButton();
addPointer();
fleet.addEventListener('select', ({ detail: id }) => {
  if (!id) return;
  const truck = fleet.trucks.get(id);
  if (truck && !isInSight(truck)) showAt(truck, Math.max(map.getZoom(), 14));
  sheet.shrink();
});
byId('list').addEventListener('click', ({ target }) => {
  const truck = fleet.trucks.get(target.closest('.row')?.dataset.truckId);
  if (truck) showAt(truck, Math.max(map.getZoom(), closeZoom));
});

let isFirst = true;
connect(
  (message) => {
    fleet.take(message);
    if (isFirst) {
      list.refresh();
      frameFleet();
    }
    isFirst = false;
  },
  (state) => {
    const connection = byId('connection');
    connection.dataset.state = state;
    connection.textContent = connectionNames[state];
  },
);

Roads.load().then(
  (loaded) => {
    roads = loaded;
    roadsLayer = new RoadsLayer(roads).addTo(map);
    list.refresh();
  },
  () => byId('map').append(h('p', { class: 'tip centered' }, 'The base map could not be loaded')),
);

/** Cached: a thousand trucks need it every second. */
function streetOf(truck) {
  if (!roads) return undefined;
  const { street } = truck;
  if (street && Math.abs(street.lat - truck.lat) + Math.abs(street.lon - truck.lon) < streetStep) return street.name;
  truck.street = { lat: truck.lat, lon: truck.lon, name: roads.streetAt(truck.lon, truck.lat) };
  return truck.street.name;
}

function choose(id) {
  const truck = fleet.trucks.get(id);
  if (!truck) return;
  fleet.select(id);
  showAt(truck, Math.max(map.getZoom(), closeZoom));
}

/** In the middle of the area beside the panels. */
function showAt({ lat, lon }, zoom) {
  const [x, y] = freeMiddle();
  const size = map.getSize();
  const point = map.project([lat, lon], zoom).subtract([x - size.x / 2, y - size.y / 2]);
  map.setView(map.unproject(point, zoom), zoom, { animate: true });
}

function freeMiddle() {
  const { x, y } = map.getSize();
  if (isPhone) return [x / 2, y * (fleet.selectedId ? 0.24 : 0.4)];
  return [(380 + x) / 2, y / 2];
}

function isInSight({ lat, lon }) {
  const { x, y } = map.latLngToContainerPoint([lat, lon]);
  const size = map.getSize();
  if (isPhone) return x > 20 && y > 20 && x < size.x - 20 && y < size.y * 0.36;
  return x > 390 && y > 30 && x < size.x - 350 && y < size.y - 40;
}

/** Frames the trucks without the few farthest ones: one stray must not shrink the others to dots. */
function frameFleet() {
  const trucks = [...fleet.trucks.values()];
  if (trucks.length === 0) return;
  const inner = (values) => {
    const sorted = values.toSorted((a, b) => a - b);
    const out = Math.floor(sorted.length * 0.05);
    return [sorted[out], sorted.at(-1 - out)];
  };
  const [south, north] = inner(trucks.map(({ lat }) => lat));
  const [west, east] = inner(trucks.map(({ lon }) => lon));
  const bounds = [
    [south, west],
    [north, east],
  ];
  const padding = isPhone
    ? { paddingTopLeft: [24, 24], paddingBottomRight: [24, 176] }
    : { paddingTopLeft: [392, 40], paddingBottomRight: [40, 40] };
  map.fitBounds(bounds, { ...padding, maxZoom: closeZoom, animate: false });
}

function addFitButton() {
  const bar = byId('map').querySelector('.leaflet-control-zoom');
  const icon = svg(
    '0 0 24 24',
    '<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"/>',
  );
  const fit = h(
    'a',
    { class: 'fit', href: '#', role: 'button', title: 'Show all trucks', 'aria-label': 'Show all trucks' },
    icon,
  );
  L.DomEvent.disableClickPropagation(fit);
  fit.addEventListener('click', (event) => {
    event.preventDefault();
    frameFleet();
  });
  bar.append(fit);
}

/** Trucks are pixels: the pointer finds them by position. */
function addPointer() {
  const tip = h('div', { class: 'tip', hidden: true });
  byId('map').append(tip);
  map.on('click', ({ containerPoint }) => fleet.select(trucks.truckAt(containerPoint)));
  map.on('mousemove', ({ containerPoint }) => {
    const id = trucks.truckAt(containerPoint);
    map.getContainer().style.cursor = id ? 'pointer' : '';
    tip.hidden = !id || isPhone;
    if (!id) return;
    const truck = fleet.trucks.get(id);
    const place = trucks.placeOf(id);
    tip.textContent = truck.kmh === undefined ? id : `${id} · ${Math.round(truck.kmh)} km/h`;
    tip.style.left = `${place.x}px`;
    tip.style.top = `${place.y}px`;
  });
  map.on('mouseout', () => (tip.hidden = true));
}

/** For tests and for debugging at the console. */
window.milepost = { fleet, map, details };
