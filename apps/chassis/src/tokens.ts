// The injection tokens for the parts of every program: @Inject(SETTINGS) private readonly settings: Settings.
import type { KafkaAddress } from '@milepost/streams';

export const SETTINGS = Symbol('Settings');
export const LOGGER = Symbol('Logger');
export const METER = Symbol('PrometheusMeter');
export const HOST = Symbol('Host');
/** `() => KafkaAddress`: the Kafka that the apps use; callable from the phase "clients" on. */
export const KAFKA = Symbol('Kafka');
export type Kafka = () => KafkaAddress;
/** `() => DataSource` (TypeORM, migrated); callable from the phase "broker" on. */
export const DATABASE = Symbol('Database');
/** `Schemas`: of our own records; usable from the phase "clients" on. */
export const SCHEMAS = Symbol('Schemas');
/** `() => HttpAuthenticator`, where users sign in; callable from the phase "broker" on. */
export const HTTP_AUTHENTICATOR = Symbol('HttpAuthenticator');
