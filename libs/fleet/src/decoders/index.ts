// Every format that the gateway takes, by the name that routes use.
import type { Decoder } from '../decoder.ts';
import { decodeMilepost } from './milepost.ts';
import { decodeOwntracks } from './owntracks.ts';

export const decoders = {
  milepost: decodeMilepost,
  owntracks: decodeOwntracks,
} as const satisfies Record<string, Decoder>;

export type DecoderName = keyof typeof decoders;
export const decoderNames = Object.keys(decoders) as DecoderName[];
