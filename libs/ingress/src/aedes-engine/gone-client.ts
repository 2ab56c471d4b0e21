// The client of a last will whose gateway died: it has no connection.
import type { MqttClient } from '../engine.ts';
import type { Rights } from '../rights.ts';

export class GoneClient implements MqttClient {
  readonly session: string;
  readonly id: string;
  readonly rights: Rights | undefined;
  readonly hearsReasons = false;
  readonly listener = 'mqtt';
  readonly clean = true;

  constructor(session: string, id: string, rights: Rights | undefined) {
    this.session = session;
    this.id = id;
    this.rights = rights;
  }

  acknowledge(): void {}
  pause(): void {}
  resume(): void {}
  close(): void {}
}
