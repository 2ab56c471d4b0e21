// The page: a map of roads, the trucks on it, a panel beside it; all of them follow one Fleet.
import { readAddress, writeAddress } from './address.ts';
import { type ConnectionState, connect } from './connection.ts';
import { byId, h } from './dom.ts';
import { Fleet, type Truck } from './fleet.ts';
import { clockTime } from './format.ts';
import { FleetMap, placeZoom } from './map/fleet-map.ts';
import { Roads } from './map/roads.ts';
import { Alerts } from './panel/alerts.ts';
import { Details } from './panel/details.ts';
import { Rules } from './panel/rules.ts';
import { setUpSheet, setUpTabs } from './panel/panel.ts';
import { setUpSystem } from './panel/system.ts';
import { TruckList, truckIdAt } from './panel/truck-list.ts';
import { setUpTheme } from './theme.ts';

const connectionNames: Readonly<Record<ConnectionState, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  lost: 'Reconnecting',
};
/** A street's name is looked up again after a truck has moved this far, in degrees. */
const streetStep = 0.0002;

/** The address is written when the view has rested for this long: Safari limits how often. */
const restMs = 500;

const fleet = new Fleet();
const map = new FleetMap(fleet);
const sheet = setUpSheet();
let roads: Roads | undefined;

const list = new TruckList(fleet, streetOf, (isHidden) => map.trucks.hide(isHidden));
const details = new Details(fleet, map.trucks, streetOf, (truck) => map.showAt(truck));
const alerts = new Alerts(fleet, (id) => {
  const truck = fleet.trucks.get(id);
  if (!truck) return;
  fleet.select(id);
  map.showAt(truck, placeZoom.close);
});
const rules = new Rules({ fleet, map, sheet });
setUpTabs({
  onShow: {
    alerts: () => alerts.markSeen(),
    rules: () => void rules.refresh(),
    system: setUpSystem(),
    trucks: () => list.refresh(),
  },
  onHide: { rules: () => rules.leave() },
});
setUpTheme(byId('theme'), () => map.readColors());
fleet.on('select', (id) => {
  if (!id) return;
  const truck = fleet.trucks.get(id);
  if (truck && !map.isInSight(truck)) map.showAt(truck, placeZoom.selected);
  sheet.shrink();
});
byId('list').addEventListener('click', ({ target }) => {
  const truck = fleet.trucks.get(truckIdAt(target) ?? '');
  if (truck) map.showAt(truck, placeZoom.close);
});

const notice = byId('notice');
let isFirst = true;
connect(
  (message) => {
    fleet.take(message);
    if (isFirst) {
      isFirst = false;
      list.refresh();
      if (!readAddress(location.hash).view) map.frameFleet();
      followAddress();
    }
  },
  (state) => {
    const connection = byId('connection');
    connection.dataset['state'] = state;
    connection.textContent = connectionNames[state];
    if (state === 'lost') {
      fleet.lose();
      notice.textContent = `The connection is lost. The map shows the trucks as of ${clockTime(fleet.now())}.`;
    }
    if (state !== 'connecting') notice.hidden = state === 'live';
  },
);

Roads.load().then(
  (loaded) => {
    roads = loaded;
    map.showRoads(loaded);
    list.refresh();
  },
  () => byId('map').append(h('p', { class: 'tip centered' }, 'The base map could not be loaded')),
);

/** Remembered: a thousand trucks need it every second. */
function streetOf(truck: Truck): string | undefined {
  if (!roads) return undefined;
  const { street } = truck;
  if (street && Math.abs(street.lat - truck.lat) + Math.abs(street.lon - truck.lon) < streetStep) return street.name;
  truck.street = { lat: truck.lat, lon: truck.lon, name: roads.streetAt(truck.lon, truck.lat) };
  return truck.street.name;
}

/** Shows what the address holds, and from then on retains there what is shown. */
function followAddress(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const read = (): void => {
    const { truckId, view } = readAddress(location.hash);
    if (truckId !== undefined && fleet.trucks.has(truckId)) fleet.select(truckId);
    if (view) map.view = view;
  };
  const write = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      history.replaceState(null, '', writeAddress({ view: map.view, truckId: fleet.selectedId }));
    }, restMs);
  };
  read();
  addEventListener('hashchange', read);
  fleet.on('select', write);
  map.onMoved(write);
}

/** For debugging at the console. */
Object.assign(globalThis, { milepost: { fleet, map, details } });
