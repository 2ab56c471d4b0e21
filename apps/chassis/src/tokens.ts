// What every program's parts are given, by Nest's injection: @Inject(SETTINGS) private readonly settings: Settings.
export const SETTINGS = Symbol('Settings');
export const LOGGER = Symbol('Logger');
export const METER = Symbol('PrometheusMeter');
export const HOST = Symbol('Host');
/** `() => readonly string[]`: the Kafka that the apps use; callable from the phase "clients" on. */
export const BOOTSTRAP_SERVERS = Symbol('BootstrapServers');
export type BootstrapServers = () => readonly string[];
/** `() => DataSource` (TypeORM, migrated); callable from the phase "broker" on. */
export const DATABASE = Symbol('Database');
