// Areas and lines as text: "lat, lon" line by line, "lat, lon, radius" for a circle, or GeoJSON. The server checks what they mean.
import type { Area, PolygonRings } from '@milepost/alerts';
import type { LonLat } from '@milepost/fleet';
import type { Shape } from '../map/shapes.ts';

export type ShapeUse = 'area' | 'line';

/** GeoJSON where lines of numbers cannot express it. */
export function textOf(shape: Shape | undefined): string {
  if (!shape) return '';
  switch (shape.type) {
    case 'Circle':
      return `${latLon(shape.center)}, ${shape.radiusM}`;
    case 'Line':
      return shape.coordinates.map(latLon).join('\n');
    default: {
      const [outer, ...holes] = shape.type === 'Polygon' ? shape.coordinates : [];
      if (!outer || holes.length > 0) return JSON.stringify(shape);
      return outer.slice(0, -1).map(latLon).join('\n');
    }
  }
}

const latLon = ([lon, lat]: LonLat): string => `${lat}, ${lon}`;

/** @throws Error with the line that is wrong, and what was expected */
export function shapeIn(text: string, use: ShapeUse): Shape {
  return text.trim().startsWith('{') ? fromGeoJson(parsed(text), use) : fromLines(text, use);
}

function fromLines(text: string, use: ShapeUse): Shape {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const rows = lines.map((line) => {
    const numbers = line
      .trim()
      .split(/[\s,;]+/)
      .map(Number);
    if (numbers.length < 2 || numbers.length > 3 || numbers.some(Number.isNaN))
      throw new Error(`Expected latitude, longitude; saw “${line.trim().slice(0, 40)}”.`);
    return numbers;
  });
  const points = rows.map(([lat = 0, lon = 0]): LonLat => [lon, lat]);
  const [first] = points;
  const radiusM = rows[0]?.[2];
  if (use === 'area' && rows.length === 1 && first && radiusM !== undefined)
    return { type: 'Circle', center: first, radiusM };
  if (rows.some((row) => row.length > 2)) throw new Error('Only a circle has a radius: one line of three numbers.');
  if (use === 'line' && points.length >= 2) return { type: 'Line', coordinates: points };
  if (use === 'area' && points.length >= 3 && first) return { type: 'Polygon', coordinates: [[...points, first]] };
  throw new Error(
    `Expected ${use === 'line' ? 'two points' : 'three corners, or a circle,'} or more; saw ${points.length}.`,
  );
}

function parsed(text: string): GeoJson {
  try {
    return JSON.parse(text) as GeoJson;
  } catch (error) {
    throw new Error(`Not JSON: ${(error as Error).message}`, { cause: error });
  }
}

interface GeoJson {
  readonly type?: string;
  readonly coordinates?: unknown;
  readonly geometry?: GeoJson;
  readonly features?: readonly GeoJson[];
  readonly center?: LonLat;
  readonly radiusM?: number;
}

function fromGeoJson(json: GeoJson, use: ShapeUse): Shape {
  const geometries = geometriesIn(json);
  const line = geometries.find(({ type }) => type === 'LineString');
  if (use === 'line' && line) return { type: 'Line', coordinates: line.coordinates as readonly LonLat[] };
  if (use === 'area' && json.type === 'Circle') return json as Area;
  const polygons = geometries.flatMap(({ coordinates, type }): readonly PolygonRings[] => {
    if (type === 'Polygon') return [coordinates as PolygonRings];
    return type === 'MultiPolygon' ? (coordinates as readonly PolygonRings[]) : [];
  });
  const [only, ...others] = polygons;
  if (use === 'area' && only)
    return others.length === 0
      ? { type: 'Polygon', coordinates: only }
      : { type: 'MultiPolygon', coordinates: polygons };
  throw new Error(`Found no ${use === 'line' ? 'LineString' : 'Polygon or MultiPolygon'} in this GeoJSON.`);
}

function geometriesIn(json: GeoJson): readonly GeoJson[] {
  if (json.type === 'FeatureCollection') return (json.features ?? []).flatMap(geometriesIn);
  if (json.type === 'Feature') return json.geometry ? geometriesIn(json.geometry) : [];
  return [json];
}
