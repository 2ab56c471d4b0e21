// Which trucks can be heard. A truck is online from its first publish on a connection, and offline when that connection
// ends, unless it has turned up on another meanwhile or its last will has spoken. A connection that speaks for many is a
// bridge: its end says nothing about any one of them beyond the first few.

/** Trucks followed for each connection. */
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

  /** Its last will says more than `offline` would. */
  lastWill(truckId: string): void {
    this.#by.delete(truckId);
  }

  /** The trucks that went with the connection. */
  ended(connection: Connection): readonly string[] {
    const gone = [...(this.#trucks.get(connection) ?? [])].filter((truckId) => this.#by.get(truckId) === connection);
    for (const truckId of gone) this.#by.delete(truckId);
    return gone;
  }
}
