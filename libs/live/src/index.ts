export * from './geojson.ts';
export * from './live-message.ts';
export * from './live-trucks.ts';
export * from './trail.ts';
