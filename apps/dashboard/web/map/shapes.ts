// Areas and lines of rules as layers of the map.
import type { Area, PolygonRings } from '@milepost/alerts';
import type { LonLat } from '@milepost/fleet';
import * as L from 'leaflet';

export type Shape = Area | { readonly type: 'Line'; readonly coordinates: readonly LonLat[] };

/** A style sheet colors it by its class. */
export function shapeLayer(shape: Shape): L.Path {
  switch (shape.type) {
    case 'Circle': {
      const [lon, lat] = shape.center;
      return L.circle([lat, lon], { radius: shape.radiusM, className: 'shape', interactive: false });
    }
    case 'Polygon':
      return L.polygon(latLngs(shape.coordinates), { className: 'shape', interactive: false });
    case 'MultiPolygon':
      return L.polygon(shape.coordinates.map(latLngs), { className: 'shape', interactive: false });
    case 'Line':
      return L.polyline(unwrapped(shape.coordinates), { className: 'shape is-line', interactive: false });
  }
}

const latLngs = (rings: PolygonRings): L.LatLngTuple[][] => rings.map((ring) => unwrapped(ring, rings[0]?.[0]?.[0]));

/** Each point on the near side of the one before, so that what crosses the 180th meridian is one piece. */
function unwrapped(points: readonly LonLat[], start = points[0]?.[0] ?? 0): L.LatLngTuple[] {
  let previous = start;
  return points.map(([lon, lat]): L.LatLngTuple => {
    previous += ((((lon - previous + 180) % 360) + 360) % 360) - 180;
    return [lat, previous];
  });
}

/** "Polygon with 5 corners", for people. */
export function describeShape(shape: Shape | undefined): string {
  switch (shape?.type) {
    case undefined:
      return 'Nothing drawn yet.';
    case 'Circle':
      return `Circle of ${shape.radiusM.toLocaleString()} m around ${latLon(shape.center)}.`;
    case 'Line':
      return `Line with ${counted(shape.coordinates.length, 'point')}.`;
    case 'Polygon':
      return describePolygons([shape.coordinates]);
    case 'MultiPolygon':
      return describePolygons(shape.coordinates);
  }
}

function describePolygons(polygons: readonly PolygonRings[]): string {
  const corners = polygons.flat().reduce((sum, ring) => sum + ring.length - 1, 0);
  const holes = polygons.reduce((sum, rings) => sum + rings.length - 1, 0);
  const what = polygons.length === 1 ? 'Polygon' : counted(polygons.length, 'polygon');
  return `${what} with ${counted(corners, 'corner')}${holes > 0 ? ` and ${counted(holes, 'hole')}` : ''}.`;
}

const counted = (number: number, noun: string): string =>
  `${number.toLocaleString()} ${noun}${number === 1 ? '' : 's'}`;
const latLon = ([lon, lat]: LonLat): string => `${lat.toFixed(5)}, ${lon.toFixed(5)}`;
