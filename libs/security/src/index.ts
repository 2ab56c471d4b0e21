export * from './acl.ts';
export * from './authorizer.ts';
export * from './http-origin.ts';
export * from './principal.ts';
export * from './principal-mapper.ts';
export * from './sasl-plain.ts';
export * from './sasl-refused.ts';
export * from './scram.ts';
