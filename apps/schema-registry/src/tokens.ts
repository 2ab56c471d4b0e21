/** `() => SchemaRegistry`; callable from the phase "broker" on. */
export const REGISTRY = Symbol('SchemaRegistry');
/** `() => RegistryScopes`, likewise. */
export const SCOPES = Symbol('RegistryScopes');

/** The path of the API on the HTTP port: the base URL that clients get ends in it. */
export const BASE = 'api/registry';
