// The interface between the intake and an MQTT engine. The engine speaks the protocol: connections, keep-alives,
// subscriptions, the bytes of an acknowledgement. It never acknowledges a PUBLISH of a device by itself: the intake
// does, once the log has the record on disk.

import type { Rights } from './rights.ts';

export interface MqttEngine {
  /** Resolves when it listens. @throws AddressInUse, or the system's error. */
  listen(addresses: MqttAddresses, events: MqttEvents): Promise<MqttPorts>;
  /** Stops listening and ends every connection, without acknowledging anything. */
  close(): Promise<void>;
}

export interface MqttAddresses {
  readonly host: string;
  /** Of each listener that is opened; 0: any free port. */
  readonly ports: MqttPorts;
}

export type MqttPorts = { readonly [Name in Listener]?: number | undefined };

/** How a device connected: MQTT over TCP or over WebSocket, each with or without TLS. */
export const LISTENERS = ['mqtt', 'mqttWs', 'mqtts', 'mqttWss'] as const;
export type Listener = (typeof LISTENERS)[number];

/** One connection of a device, from CONNACK to its end. */
export interface MqttClient {
  /** As the device named itself. */
  readonly id: string;
  /** The name of its session: devices that are different users never share one. */
  readonly session: string;
  /** Undefined: nobody authenticates, and everybody may do everything. */
  readonly rights: Rights | undefined;
  /** MQTT 5: an acknowledgement can refuse. To 3.1.1 a refusal can only be told by the end of the connection (MQTT-3.3.5-2). */
  readonly hearsReasons: boolean;
  readonly listener: Listener;
  /** MQTT's clean session: nothing of it outlives the connection. */
  readonly clean: boolean;
  /** Writes PUBACKs (QoS 1) and PUBRECs (QoS 2) in this order, in one piece. */
  acknowledge(acknowledgements: readonly Acknowledgement[]): void;
  /**
   * Stops reading soon (what was read already is still reported), so that TCP pushes back; the device is not timed out
   * then.
   */
  pause(): void;
  resume(): void;
  /** Ends the connection immediately. The device will resend what was not acknowledged. */
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
  'not-authorized',
  'access-changed',
  'credentials-expired',
  'taken-over',
] as const;
/** Why a connection ended: by the device (with DISCONNECT), with its network, or by us. */
export type CloseReason = (typeof CLOSE_REASONS)[number];

export interface Acknowledgement {
  readonly messageId: number;
  readonly qos: 1 | 2;
  /** A reason for devices that can receive one (MQTT 5); absent: the publish is stored as the device sent it. */
  readonly remark?: AckRemark;
}

/** The publish is acknowledged and stored, but as a dead letter, for this reason; or it is refused, and not stored. */
export interface AckRemark {
  readonly kind: 'nobody-takes-it' | 'not-understood' | 'not-authorized';
  readonly reason: string;
}

/** A PUBLISH of a device, or the last will of a client that is gone (without a message id, whatever its QoS). */
export interface MqttPublish {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  readonly dup: boolean;
  readonly messageId: number | undefined;
  /** The trace that the device has begun (W3C's traceparent and tracestate), from MQTT 5's user properties. */
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
  /** PUBREL: the device will not resend this QoS 2 message. The engine sends PUBCOMP by itself. */
  released(client: MqttClient, messageId: number): void;
  /** Once for each `connected`, also after our own `close`; nothing of this client follows. */
  disconnected(client: MqttClient, reason: CloseReason): void;
  /** The last will of a client whose gateway died, without `connected`. The result is that of `published`. */
  lastWill(client: MqttClient, packet: MqttPublish): boolean;
  /** A connection that ended before it had become a client. */
  turnedAway(): void;
  /** A subscription that its device may not have. */
  subscriptionRefused(): void;
  /** A message of QoS 0 that a subscriber misses because it does not keep up. */
  missed(): void;
}
