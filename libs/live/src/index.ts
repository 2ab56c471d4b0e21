export * from './geojson.ts';
export * from './live-trucks.ts';
export * from './trail.ts';
