export * from './frame.ts';
export * from './header.ts';
export * from './messages/index.ts';
export {
  type AnyApi,
  Api,
  type RequestInput,
  type RequestOf,
  type ResponseOf,
  type ResponseOutput,
} from './schema/api.ts';
export { type Codec, TextTooLong } from './schema/compile.ts';
export * from './persisted/consumer-protocol.ts';
export * from './persisted/group-records.ts';
export * from './persisted/transaction-records.ts';
export { Persisted, type PersistedSpec } from './schema/persisted.ts';
