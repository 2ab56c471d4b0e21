export { type ConnectOptions, connectDatabase, DatabaseUnusable } from './connect.ts';
export {
  type AfterTheLog,
  afterTheLog,
  type CopiedTable,
  DatabaseSnapshot,
  type PartitionOfTopic,
} from './copy/database-snapshot.ts';
export { checkEmpty, checkMigrations, type DatabaseCopy, fillDatabase } from './copy/fill-database.ts';
export { runningEmbeddedPostgres } from './embedded/running.ts';
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
export { PostgresAlertStore } from './postgres-alert-store.ts';
export { DeviceFollower, PostgresDeviceStore } from './postgres-device-store.ts';
export { PostgresBrokerLeases } from './postgres-broker-leases.ts';
export { PostgresShareStateStore } from './postgres-share-state-store.ts';
export { PostgresGroupStore } from './postgres-group-store.ts';
export { PostgresHttpAccessStore } from './postgres-http-access-store.ts';
export { PostgresSessionStore } from './postgres-session-store.ts';
export { PostgresRegistryStore } from './postgres-registry-store.ts';
export { PostgresMetadataStore, type PostgresStoreOptions } from './postgres-metadata-store.ts';
export { PostgresRouteStore, RouteFollower } from './postgres-route-store.ts';
export { PostgresRuleStore, RuleFollower } from './postgres-rule-store.ts';
export { PostgresTransactionStore } from './postgres-transaction-store.ts';
export { inTransaction, TransactionLost, type TransactionOptions } from './transaction.ts';
