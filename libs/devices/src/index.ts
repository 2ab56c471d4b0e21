export * from './device-list.ts';
export * from './device-registration.ts';
