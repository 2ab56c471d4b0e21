// GPX (https://www.topografix.com/GPX/1/1/): the tracks of a file with their times. Waypoints are places, not trucks,
// and are skipped. A route is a plan; it is played only if the file has no recorded track.
import type { Element } from '@xmldom/xmldom';
import { type NamedFixes, PassedOver, type RecordedFix } from './recorded-fix.ts';
import { recordedDegrees, recordedNumber, recordedTime } from './recorded-value.ts';
import { xmlOf } from './xml.ts';

/** @throws Error when the text is not XML or ends in the middle, or a coordinate or a time cannot be read. */
export function readGpx(text: string, passedOver: PassedOver): NamedFixes[] {
  const root = xmlOf(text).documentElement;
  const children = root ? childrenOf(root) : [];
  const named = (name: string) => children.filter(({ localName }) => localName === name);
  const [tracks, routes] = [named('trk'), named('rte')];
  passedOver.count('waypoints', named('wpt').length);
  if (tracks.length > 0) passedOver.count('routes', routes.length);
  return (tracks.length > 0 ? tracks : routes).map((track) => ({
    name: textOf(track, 'name'),
    fixes: pointsOf(track).map(fixOf),
  }));
}

/** The segments of a track are one track, of one truck. */
function pointsOf(track: Element): Element[] {
  return childrenOf(track).flatMap((child) => {
    if (child.localName === 'trkseg') return childrenOf(child).filter(({ localName }) => localName === 'trkpt');
    return child.localName === 'rtept' ? [child] : [];
  });
}

function fixOf(point: Element): RecordedFix {
  const time = textOf(point, 'time');
  const altitudeM = recordedNumber(textOf(point, 'ele'));
  return {
    lat: degreesOf(point, 'lat', 90),
    lon: degreesOf(point, 'lon', 180),
    ...(altitudeM === undefined ? {} : { altitudeM }),
    ...(time === undefined ? {} : { tsMs: timeOf(point, time) }),
  };
}

function degreesOf(point: Element, attribute: string, limit: number): number {
  const written = point.getAttribute(attribute) ?? '';
  const degrees = recordedDegrees(written);
  if (degrees === undefined || Math.abs(degrees) > limit)
    throw new Error(`${lineOf(point)}${attribute}: expected degrees from -${limit} to ${limit}, saw "${written}"`);
  return degrees;
}

function timeOf(point: Element, written: string): number {
  const tsMs = recordedTime(written);
  if (tsMs === undefined) throw new Error(`${lineOf(point)}time: expected ISO 8601, saw "${written}"`);
  return tsMs;
}

const lineOf = ({ lineNumber }: Element): string => (lineNumber === undefined ? '' : `line ${lineNumber}: `);

function childrenOf(element: Element): Element[] {
  const children: Element[] = [];
  for (let child = element.firstChild; child; child = child.nextSibling)
    if (child.nodeType === child.ELEMENT_NODE) children.push(child as Element);
  return children;
}

/** The text of the first child of that name; undefined if it is absent or empty. */
function textOf(element: Element, name: string): string | undefined {
  const text = childrenOf(element)
    .find(({ localName }) => localName === name)
    ?.textContent?.trim();
  return text === '' ? undefined : text;
}
