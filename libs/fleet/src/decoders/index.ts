// Every format that the gateway accepts, by its name in routes.
import type { Decoder } from '../decoder.ts';
import {
  decodeChirpstack,
  decodeHfp,
  decodeMeshtastic,
  decodeTasmota,
  decodeTraccar,
  decodeTraccarClient,
  decodeTtn,
} from './formats.ts';
import { decodeMilepost } from './milepost.ts';
import { decodeNmea } from './nmea.ts';
import { decodeOsmand } from './osmand.ts';
import { decodeOwntracks } from './owntracks.ts';
import { decodeQueclink } from './queclink.ts';
import { decodeTeltonika } from './teltonika.ts';

export * from './declared.ts';
export { parsePath, ANY } from './path.ts';
export * from './units.ts';

export const decoders = {
  milepost: decodeMilepost,
  owntracks: decodeOwntracks,
  traccar: decodeTraccar,
  'traccar-client': decodeTraccarClient,
  osmand: decodeOsmand,
  teltonika: decodeTeltonika,
  hfp: decodeHfp,
  nmea: decodeNmea,
  queclink: decodeQueclink,
  ttn: decodeTtn,
  chirpstack: decodeChirpstack,
  meshtastic: decodeMeshtastic,
  tasmota: decodeTasmota,
} as const satisfies Record<string, Decoder>;

export type DecoderName = keyof typeof decoders;
export const decoderNames = Object.keys(decoders) as DecoderName[];

/** Formats whose payload names the truck, so that a route need not. */
export const namesItsDevice: ReadonlySet<DecoderName> = new Set([
  'traccar',
  'traccar-client',
  'osmand',
  'hfp',
  'queclink',
  'ttn',
  'chirpstack',
  'meshtastic',
]);
