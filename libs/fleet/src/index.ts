export * from './arrival.ts';
export * from './decoder.ts';
export * from './decoders/index.ts';
export * from './geo.ts';
export * from './position.ts';
export * from './status.ts';
export * from './time.ts';
export * from './truck-id.ts';
