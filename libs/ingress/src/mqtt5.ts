// MQTT 5 for one connection, before an engine that speaks 3.1.1. Packets of the device are parsed as MQTT 5 and handled
// here before the engine sees them; the engine's output is translated to MQTT 5 here. Publishing is complete: user
// properties, reason codes, our Receive Maximum. CONNACK excludes the rest: topic aliases, shared subscriptions,
// subscription identifiers. A subscriber gets no properties, the expiry interval of a message is ignored, a last will
// is not delayed.
import { type IConnackPacket, generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import type { Refusal } from '@milepost/security';
import { ackBytes } from './ack-bytes.ts';
import type { Acknowledgement, AckRemark, CloseReason, TraceHeaders } from './engine.ts';

/** Publishes that a device may have unacknowledged; the intake stops reading at as many. */
export const RECEIVE_MAXIMUM = 1000;
/** Bytes of messages of QoS 1 and 2 that wait until a subscriber has acknowledged enough of the earlier ones. */
const MAX_WAITING_BYTES = 1024 * 1024;
const NEVER_EXPIRES = 0xffff_ffff;
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const MAX_TRACESTATE_CHARACTERS = 512;

/** MQTT 5's reason codes. */
const REASON = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noMatchingSubscribers: 0x10,
  unspecified: 0x80,
  malformed: 0x81,
  protocolError: 0x82,
  unsupportedVersion: 0x84,
  badClientId: 0x85,
  badCredentials: 0x86,
  notAuthorized: 0x87,
  unavailable: 0x88,
  shuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  topicAliasInvalid: 0x94,
  packetTooLarge: 0x95,
  quotaExceeded: 0x97,
  administrativeAction: 0x98,
  payloadFormatInvalid: 0x99,
  sharedSubscriptionsNotSupported: 0x9e,
  subscriptionIdentifiersNotSupported: 0xa1,
} as const;

/** By 3.1.1's return code. */
const CONNACK_REASONS = [
  REASON.success,
  REASON.unsupportedVersion,
  REASON.badClientId,
  REASON.unavailable,
  REASON.badCredentials,
  REASON.notAuthorized,
];

const DISCONNECT_REASONS: Partial<Record<CloseReason, number>> = {
  'protocol-error': REASON.protocolError,
  'packet-too-large': REASON.packetTooLarge,
  keepalive: REASON.keepAliveTimeout,
  stalled: REASON.quotaExceeded,
  'unread-acks': REASON.quotaExceeded,
  failed: REASON.unspecified,
  shutdown: REASON.shuttingDown,
  'not-authorized': REASON.notAuthorized,
  'access-changed': REASON.administrativeAction,
  'credentials-expired': REASON.notAuthorized,
  'taken-over': REASON.sessionTakenOver,
};

const CONNECT_REFUSALS: Record<Refusal, number> = {
  credentials: REASON.badCredentials,
  'not-authorized': REASON.notAuthorized,
  unavailable: REASON.unavailable,
};

/** The fields of MQTT 5's CONNECT beyond 3.1.1's; the names are the parser's. */
export interface Connect5 {
  readonly clientId: string;
  readonly protocolVersion?: number;
  readonly properties?: {
    readonly sessionExpiryInterval?: number;
    readonly receiveMaximum?: number;
    readonly maximumPacketSize?: number;
    readonly authenticationMethod?: string;
    readonly requestProblemInformation?: boolean;
  };
}

export interface Admission5 {
  readonly isSessionPresent: boolean;
  readonly assignedId: string | undefined;
  /** A session lasts no longer without its device. */
  readonly maxSessionExpiryMs: number;
}

export interface Wire5 {
  /** Sends bytes to the device. */
  write(bytes: Buffer): void;
  /** Ends the connection. */
  close(reason: CloseReason): void;
  /** Passes a packet to the engine, in a separate turn, as if the device had sent it. */
  feed(packet: Packet): void;
  /** The largest packet that the device may send. */
  readonly maxPacketBytes: number;
}

/** 3.1.1's one code for a refused subscription: the engine refuses those that the device may not have. */
const FAILURE_3 = 0x80;
const AS_5 = { protocolVersion: 5 };

export class Mqtt5 {
  readonly #connect: Connect5;
  readonly #wire: Wire5;
  readonly #engineSays = parser({ protocolVersion: 4 });
  /** The number of names in each UNSUBSCRIBE that the engine has not acknowledged yet. */
  readonly #unsubscribing = new Map<number, number>();
  /** Messages of QoS 1 and 2 that the device has not acknowledged. */
  readonly #unacknowledged = new Set<number>();
  readonly #waiting: IPublishPacket[] = [];
  #waitingBytes = 0;
  #isSessionPresent = false;
  #assignedId: string | undefined;
  #maxSessionExpiryS = NEVER_EXPIRES;
  /** DISCONNECT may change it. */
  #sessionExpiryS: number;

  constructor(connect: Connect5, wire: Wire5) {
    this.#connect = connect;
    this.#wire = wire;
    this.#sessionExpiryS = connect.properties?.sessionExpiryInterval ?? 0;
    this.#engineSays.on('packet', (packet: Packet) => this.#say(packet));
  }

  /** False: it was refused, with CONNACK. */
  admit({ isSessionPresent, assignedId, maxSessionExpiryMs }: Admission5): boolean {
    this.#maxSessionExpiryS = Math.floor(maxSessionExpiryMs / 1000);
    this.#isSessionPresent = isSessionPresent;
    this.#assignedId = assignedId;
    if (this.#connect.properties?.authenticationMethod === undefined) return true;
    const reasonCode = REASON.badAuthenticationMethod;
    this.#wire.write(generate({ cmd: 'connack', reasonCode, sessionPresent: false }, AS_5));
    return false;
  }

  /** CONNACK for a device that is not let in. */
  refusal(reason: Refusal): Buffer {
    const reasonCode = CONNECT_REFUSALS[reason];
    return generate({ cmd: 'connack', reasonCode, sessionPresent: false }, AS_5);
  }

  /** The milliseconds after which its session expires; Infinity: never, 0: with the connection. */
  get sessionExpiryMs(): number {
    return this.#sessionExpiryS >= NEVER_EXPIRES ? Number.POSITIVE_INFINITY : this.#sessionExpiryS * 1000;
  }

  /** Call before the engine handles the packet. Returns why the engine should end the connection instead. */
  heard(packet: Packet): CloseReason | undefined {
    const refusal = refusalOf(packet);
    if (refusal !== undefined) {
      this.#disconnect(refusal);
      return 'protocol-error';
    }
    if (packet.cmd === 'unsubscribe') this.#unsubscribing.set(packet.messageId ?? 0, packet.unsubscriptions.length);
    if (packet.cmd === 'puback' || packet.cmd === 'pubcomp') this.#settled(packet.messageId ?? 0);
    if (packet.cmd === 'pubrec' && (packet.reasonCode ?? 0) >= REASON.unspecified) {
      this.#settled(packet.messageId ?? 0);
      (packet as { cmd: string }).cmd = 'puback'; // no PUBCOMP will follow
    }
    if (packet.cmd !== 'disconnect') return undefined;
    this.#sessionExpiryS = packet.properties?.sessionExpiryInterval ?? this.#sessionExpiryS;
    return packet.reasonCode === REASON.disconnectWithWill ? 'by-device' : undefined;
  }

  /** Translates the engine's output, in pieces of any size. */
  engineWrites(bytes: Buffer): void {
    this.#engineSays.parse(bytes);
  }

  acknowledge(acknowledgements: readonly Acknowledgement[]): void {
    const isPlain = acknowledgements.every(({ remark }) => remark === undefined);
    const bytes = (): Buffer => Buffer.concat(acknowledgements.map((one) => this.#acknowledgement(one)));
    this.#wire.write(isPlain ? ackBytes(acknowledgements) : bytes());
  }

  /** Sends DISCONNECT with a reason, if there is a code for it. */
  closing(reason: CloseReason): void {
    const reasonCode = DISCONNECT_REASONS[reason];
    if (reasonCode !== undefined) this.#disconnect(reasonCode);
  }

  /**
   * A QoS 2 exchange of a message that we store always completes: a PUBREC that refuses would free an id that we remember.
   */
  #acknowledgement({ messageId, qos, remark }: Acknowledgement): Buffer {
    if (remark === undefined) return ackBytes([{ messageId, qos }]);
    const mayExplain = this.#connect.properties?.requestProblemInformation !== false;
    const properties = mayExplain ? { properties: { reasonString: remark.reason } } : {};
    return generate(
      { cmd: qos === 1 ? 'puback' : 'pubrec', messageId, reasonCode: codeOf(remark, qos), ...properties },
      AS_5,
    );
  }

  #say(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        return this.#wire.write(generate(this.#connack(packet), AS_5));
      case 'publish':
        return this.#forward(packet);
      case 'suback': {
        const granted = packet.granted.map((code) => (code === FAILURE_3 ? REASON.notAuthorized : code));
        return this.#wire.write(generate({ ...packet, granted }, AS_5));
      }
      case 'unsuback': {
        const messageId = packet.messageId ?? 0;
        const granted = Array.from({ length: this.#unsubscribing.get(messageId) ?? 1 }, () => REASON.success);
        this.#unsubscribing.delete(messageId);
        return this.#wire.write(generate({ cmd: 'unsuback', messageId, granted }, AS_5));
      }
      default:
        this.#wire.write(generate(packet)); // PINGRESP and short acknowledgements are the same in both
    }
  }

  #connack({ returnCode, sessionPresent }: IConnackPacket): IConnackPacket {
    const reasonCode = CONNACK_REASONS[returnCode ?? 0] ?? REASON.unspecified;
    if (reasonCode !== REASON.success) return { cmd: 'connack', reasonCode, sessionPresent: false };
    return {
      cmd: 'connack',
      reasonCode,
      sessionPresent: sessionPresent || this.#isSessionPresent,
      properties: {
        receiveMaximum: RECEIVE_MAXIMUM,
        maximumPacketSize: this.#wire.maxPacketBytes,
        topicAliasMaximum: 0,
        sharedSubscriptionAvailable: false,
        subscriptionIdentifiersAvailable: false,
        ...(this.#sessionExpiryS > this.#maxSessionExpiryS && { sessionExpiryInterval: this.#maxSessionExpiryS }),
        ...(this.#assignedId === undefined ? {} : { assignedClientIdentifier: this.#assignedId }),
      },
    };
  }

  /** Sends a message to a subscriber: no more at once than its Receive Maximum, none larger than its limit. */
  #forward(packet: IPublishPacket): void {
    const { receiveMaximum = 65_535, maximumPacketSize = Number.POSITIVE_INFINITY } = this.#connect.properties ?? {};
    const bytes = generate(packet, AS_5);
    const { messageId, qos } = packet;
    if (bytes.length > maximumPacketSize) {
      if (qos > 0) this.#wire.feed({ cmd: 'puback', messageId: messageId ?? 0 }); // as if it had received it
    } else if (qos === 0 || messageId === undefined) {
      this.#wire.write(bytes);
    } else if (this.#unacknowledged.size < receiveMaximum) {
      this.#unacknowledged.add(messageId);
      this.#wire.write(bytes);
    } else {
      this.#waiting.push(packet);
      this.#waitingBytes += bytes.length;
      if (this.#waitingBytes > MAX_WAITING_BYTES) this.#wire.close('unread-acks');
    }
  }

  #settled(messageId: number): void {
    this.#unacknowledged.delete(messageId);
    const next = this.#waiting.shift();
    if (!next) return;
    this.#waitingBytes -= generate(next, AS_5).length;
    this.#forward(next);
  }

  #disconnect(reasonCode: number): void {
    this.#wire.write(generate({ cmd: 'disconnect', reasonCode }, AS_5));
  }
}

function codeOf({ kind }: AckRemark, qos: 1 | 2): number {
  if (kind === 'not-authorized') return REASON.notAuthorized;
  return kind === 'not-understood' && qos === 1 ? REASON.payloadFormatInvalid : REASON.noMatchingSubscribers;
}

/** Features that CONNACK has declared unsupported. */
function refusalOf(packet: Packet): number | undefined {
  if (packet.cmd === 'publish' && packet.properties?.topicAlias !== undefined) return REASON.topicAliasInvalid;
  if (packet.cmd === 'auth') return REASON.protocolError;
  if (packet.cmd !== 'subscribe') return undefined;
  if (packet.properties?.subscriptionIdentifier !== undefined) return REASON.subscriptionIdentifiersNotSupported;
  const isShared = packet.subscriptions.some(({ topic }) => topic.startsWith('$share/'));
  return isShared ? REASON.sharedSubscriptionsNotSupported : undefined;
}

/** Undefined: there is none, or it is invalid. */
export function traceOf(properties: IPublishPacket['properties']): TraceHeaders | undefined {
  if (!properties?.userProperties) return undefined;
  const { traceparent, tracestate } = properties.userProperties;
  if (typeof traceparent !== 'string' || !TRACEPARENT.test(traceparent)) return undefined;
  const hasState = typeof tracestate === 'string' && tracestate.length <= MAX_TRACESTATE_CHARACTERS;
  return hasState ? { traceparent, tracestate } : { traceparent };
}
