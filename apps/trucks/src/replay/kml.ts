// KML, converted to GeoJSON: the lines and gx:Tracks of a file with their times. Places are not trucks, and are
// skipped.
import { kml } from '@tmcw/togeojson';
import { type Feature, readFeatures } from './geojson.ts';
import { type NamedFixes, PassedOver } from './recorded-fix.ts';
import { xmlOf } from './xml.ts';

/** @throws Error when the text is not XML, or ends in the middle. */
export function readKml(text: string, passedOver: PassedOver): NamedFixes[] {
  const features = kml(xmlOf(text)).features as Feature[];
  const lines = features.filter(({ geometry }) => geometry && geometry.type !== 'Point');
  passedOver.count('placemarks that are no track', features.length - lines.length);
  return readFeatures(lines, passedOver);
}
