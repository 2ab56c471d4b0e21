export * from './built-in-routes.ts';
export { decoderSchema } from './decoder-schema.ts';
export * from './level-template.ts';
export * from './route.ts';
export * from './route-catalog.ts';
export { readRoute, readRoutes, RouteRefused, routeSchema } from './route-schema.ts';
export * from './route-store.ts';
export * from './topic-filter.ts';
