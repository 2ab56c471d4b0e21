// Which trucks are online. A truck is online from its first publish on a connection, and offline when that connection
// ends, unless it has appeared on another one meanwhile or its last will was published. A connection with many trucks
// is a bridge: its end proves nothing about trucks beyond the first few.

/** Trucks tracked for each connection. */
const MAX_TRUCKS_OF_CONNECTION = 16;

export class Presence<Connection extends object> {
  readonly #by = new Map<string, Connection>();
  readonly #trucks = new WeakMap<Connection, Set<string>>();

  /** True: the first publish of the truck on this connection. */
  heard(truckId: string, connection: Connection): boolean {
    if (this.#by.get(truckId) === connection) return false;
    let trucks = this.#trucks.get(connection);
    if (!trucks) this.#trucks.set(connection, (trucks = new Set()));
    if (trucks.size >= MAX_TRUCKS_OF_CONNECTION && !trucks.has(truckId)) return false;
    const known = this.#by.has(truckId);
    trucks.add(truckId);
    this.#by.set(truckId, connection);
    return !known;
  }

  /** Its last will replaces the status `offline`. */
  lastWill(truckId: string): void {
    this.#by.delete(truckId);
  }

  /** The trucks that go offline with the connection. */
  ended(connection: Connection): readonly string[] {
    const gone = [...(this.#trucks.get(connection) ?? [])].filter((truckId) => this.#by.get(truckId) === connection);
    for (const truckId of gone) this.#by.delete(truckId);
    return gone;
  }
}
