// The page's address holds the view and the selected truck, `#map=13/57.7055/11.967&truck=t-1`, so that both can be sent to a colleague.

export interface MapView {
  readonly zoom: number;
  readonly lat: number;
  readonly lon: number;
}
export interface Address {
  readonly view: MapView | undefined;
  readonly truckId: string | undefined;
}

/** What cannot be read is left out. */
export function readAddress(hash: string): Address {
  const parameters = new URLSearchParams(hash.replace(/^#/, ''));
  return { view: viewIn(parameters.get('map')), truckId: parameters.get('truck') ?? undefined };
}

export function writeAddress({ truckId, view }: Address): string {
  const map = view ? [`map=${[view.zoom, view.lat.toFixed(5), view.lon.toFixed(5)].join('/')}`] : [];
  return `#${[...map, ...(truckId === undefined ? [] : [`truck=${encodeURIComponent(truckId)}`])].join('&')}`;
}

function viewIn(text: string | null): MapView | undefined {
  if (!/^[\d.]+\/-?[\d.]+\/-?[\d.]+$/.test(text ?? '')) return undefined;
  const [zoom = Number.NaN, lat = Number.NaN, lon = Number.NaN] = (text ?? '').split('/').map(Number);
  return zoom <= 22 && Math.abs(lat) <= 90 && Math.abs(lon) <= 360 ? { zoom, lat, lon } : undefined;
}
