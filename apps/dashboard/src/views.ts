// The shapes of the API's responses, for the controllers that send them and the page that reads them. Types only: the page
// may import nothing else from the server.
import type { ImportProgress } from '@milepost/devices';
import type { Role } from '@milepost/security';

/** A user of the map, or a script's token. */
export interface SessionUser {
  readonly kind: 'session' | 'token';
  readonly name: string;
  readonly role: Role;
  /** Nothing but changing the password is allowed. */
  readonly mustChangePassword: boolean;
}
/** How one may sign in. */
export interface SignInWays {
  readonly password: true;
  readonly provider: boolean;
}
/** What the sign-in page can say about a sign-in by the provider that did not succeed. */
export type ProviderProblem = 'provider' | 'no-role';

export interface SessionView {
  /** Null where nobody needs to sign in. */
  readonly user: SessionUser | null;
}

/** A device that may connect by MQTT. Times are ISO 8601; null: never, or none. */
export interface DeviceView {
  readonly id: string;
  readonly isBlocked: boolean;
  readonly hasPassword: boolean;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly lastSeen: string | null;
  readonly failedLogins: number;
  readonly lastFailure: string | null;
  readonly certificateEnds: string | null;
}
export interface DevicePage {
  readonly devices: readonly DeviceView[];
  /** Of all pages. */
  readonly total: number;
  /** `after` of the next page; null: this is the last one. */
  readonly next: string | null;
}
/** A line of the response to an import. */
export type ImportEvent =
  | ({ readonly kind: 'progress' } & ImportProgress)
  | { readonly kind: 'end'; readonly imported: number; readonly broken: readonly string[] }
  | { readonly kind: 'failed'; readonly message: string };

/** A payload that could not become a position. */
export interface DeadLetterView {
  /** Partition and offset. */
  readonly id: string;
  readonly receivedAt: string;
  readonly reason: string;
  /** What was expected, and what was seen. */
  readonly detail: string;
  /** Of MQTT. */
  readonly topic: string;
  /** The MQTT client id. */
  readonly client: string;
  /** Who was authenticated, such as `User:t-1`; null: nobody needs to be. */
  readonly principal: string | null;
  /** The truck, if the topic names one. */
  readonly key: string | null;
  /** Of the first part. */
  readonly sizeBytes: number;
  /** More than one: it is larger than a record. */
  readonly parts: number;
  readonly beginBase64: string;
}
export interface DeadLetterPage {
  readonly letters: readonly DeadLetterView[];
  /** `after` of the next page, which has older ones; null: this is the last one. */
  readonly next: string | null;
}
export interface WholeDeadLetter extends DeadLetterView {
  readonly payloadBase64: string;
}
/** The records that a letter has become. */
export interface SentAgain {
  readonly records: readonly { readonly topic: string; readonly key: string | null }[];
}

/** A truck's way between two times: a GeoJSON Feature. */
export interface Track {
  readonly type: 'Feature';
  readonly id: string;
  readonly geometry: {
    readonly type: 'LineString';
    readonly coordinates: readonly (readonly [number, number])[];
  } | null;
  readonly properties: {
    readonly truckId: string;
    readonly from: string;
    readonly to: string;
    /** The number of positions found: more than `coordinates` has if they were thinned. */
    readonly positions: number;
    readonly coordinateProperties: {
      readonly times: readonly string[];
      readonly speedsKmh: readonly (number | null)[];
    };
  };
}

/** A partition whose records are not counted. */
export interface FailedPartition {
  readonly topic: string;
  readonly partition: number;
  /** The name of Kafka's error code. */
  readonly error: string;
}

export interface TopicView {
  readonly name: string;
  readonly partitions: number;
  /** Between the first and the next offset, all partitions together. */
  readonly records: number;
  /** Empty where all is well. */
  readonly failed: readonly FailedPartition[];
}
export interface GroupView {
  readonly id: string;
  readonly state: string;
  readonly members: number;
  /** Records that are not handled yet, in the partitions where the group has committed. */
  readonly lag: number;
  readonly topics: readonly string[];
  /** Of those topics. Empty where all is well. */
  readonly failed: readonly FailedPartition[];
}
export interface BrokerView {
  readonly id: number;
  /** host:port; null where the broker is away. */
  readonly address: string | null;
  readonly rack: string | null;
  readonly isController: boolean;
  /** Fenced or gone: it has replicas, and clients are not told of it. */
  readonly isAway: boolean;
  /** The partitions that it leads. */
  readonly leads: number;
}
export interface PartitionView {
  readonly partition: number;
  /** Null: nobody may lead it. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
  readonly isUnderReplicated: boolean;
}
export interface ClusterView {
  readonly brokers: readonly BrokerView[];
  /** Internal topics too. */
  readonly topics: readonly { readonly name: string; readonly partitions: readonly PartitionView[] }[];
}
