// What the intake needs of an MQTT engine, and what the engine reports to it. The engine speaks the protocol: connections,
// keep-alives, subscriptions, the bytes of an acknowledgement. It never acknowledges a PUBLISH of a device by itself:
// the intake does, once the log has the record on disk.

export interface MqttEngine {
  /** Resolves when it listens. @throws AddressInUse, or the system's error. */
  listen(addresses: MqttAddresses, events: MqttEvents): Promise<MqttPorts>;
  /** Stops listening and ends every connection, without acknowledging anything. */
  close(): Promise<void>;
}

export interface MqttAddresses {
  readonly host: string;
  readonly mqttPort: number;
  /** MQTT over WebSocket; undefined: not opened. */
  readonly wsPort: number | undefined;
}

export interface MqttPorts {
  readonly mqtt: number;
  readonly ws: number | undefined;
}

/** What a device came in by: MQTT over TCP, or over WebSocket. */
export const LISTENERS = ['mqtt', 'mqttWs'] as const;
export type Listener = (typeof LISTENERS)[number];

/** One connection of a device, from CONNACK to its end. */
export interface MqttClient {
  readonly id: string;
  readonly listener: Listener;
  /** MQTT's clean session: nothing of it outlives the connection. */
  readonly clean: boolean;
  /** Writes PUBACKs (QoS 1) and PUBRECs (QoS 2) in this order, in one piece. */
  acknowledge(acknowledgements: readonly Acknowledgement[]): void;
  /** Stops reading soon (what was read already is still reported), so that TCP pushes back; it is then not timed out. */
  pause(): void;
  resume(): void;
  /** Ends the connection at once. What was not acknowledged the device will send again. */
  close(reason: CloseReason): void;
}

export const CLOSE_REASONS = [
  'by-device',
  'lost',
  'protocol-error',
  'packet-too-large',
  'keepalive',
  'stalled',
  'unread-acks',
  'failed',
  'shutdown',
] as const;
/** Why a connection ended: by the device (with DISCONNECT), with its network, or by us. */
export type CloseReason = (typeof CLOSE_REASONS)[number];

export interface Acknowledgement {
  readonly messageId: number;
  readonly qos: 1 | 2;
  /** What became of the publish, for a device that can be told (MQTT 5); left out: it is stored as what it was sent as. */
  readonly remark?: AckRemark;
}

/** It is acknowledged and kept, with this reason, but as a dead letter. */
export interface AckRemark {
  readonly kind: 'nobody-takes-it' | 'not-understood';
  readonly reason: string;
}

/** A PUBLISH as it came in, or the last will of a client that is gone (without a message id, whatever its QoS). */
export interface MqttPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly messageId: number | undefined;
  /** The trace that the device has begun (W3C's traceparent and tracestate), as MQTT 5's user properties say. */
  readonly trace?: TraceHeaders;
}

export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Called synchronously, in the order of the wire for each client. */
export interface MqttEvents {
  connected(client: MqttClient): void;
  /** False: a repetition (QoS 2), or too late; it is not passed on to subscribers. */
  published(client: MqttClient, packet: MqttPublish): boolean;
  /** PUBREL: the device will not send this QoS 2 message again. The engine sends PUBCOMP by itself. */
  released(client: MqttClient, messageId: number): void;
  /** Once for each `connected`, also for an own `close`; nothing of this client follows. */
  disconnected(client: MqttClient, reason: CloseReason): void;
  /** A connection that ended before it had become a client. */
  turnedAway(): void;
  /** A message of QoS 0 that a subscriber misses, because it does not keep up. */
  missed(): void;
}
