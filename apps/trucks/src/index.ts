// For other programs: trucks to start in their own process.
export { defaultOptions, type TrucksOptions } from './options.ts';
export { startTrucks, type Trucks } from './start.ts';
export { city } from './simulation/scenario.ts';
