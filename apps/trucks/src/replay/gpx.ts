// GPX, by way of GeoJSON: tracks and routes with their times.
import { gpx } from '@tmcw/togeojson';
import { DOMParser } from '@xmldom/xmldom';
import { readFeatures } from './geojson.ts';
import type { NamedFixes } from './recorded-fix.ts';

/** @throws Error when the text is no XML. */
export function readGpx(text: string): NamedFixes[] {
  return readFeatures(gpx(new DOMParser().parseFromString(text, 'text/xml')).features);
}
