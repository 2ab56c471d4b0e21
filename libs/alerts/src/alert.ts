// An alert: the value of a record in `truck_alerts`, a row in PostgreSQL, the body of a webhook.
import type { Position } from '@milepost/fleet';
import type { RuleKind } from './rule.ts';

export interface Alert {
  /**
   * Derived from rule, partition and offset of the position that fired it: the same after any crash, for idempotency.
   */
  readonly alertId: string;
  /** The rule's id. */
  readonly rule: string;
  /** Absent in alerts of earlier versions. */
  readonly ruleName?: string;
  readonly ruleVersion?: number;
  readonly kind: RuleKind;
  /** Of a geofence. Absent in alerts of earlier versions, whose trucks had left. */
  readonly event?: 'enter' | 'exit';
  readonly truckId: string;
  /**
   * ISO 8601. When it was noticed, by the times of the log; not when it was delivered. A late alert has the device's time.
   */
  readonly ts: string;
  /** One sentence for people. */
  readonly message: string;
  /** The position that fired it; for silence the newest one received. */
  readonly position: Position;
  /** The position was received after a newer one of the truck. Absent: it was not. */
  readonly late?: true;
  /** Who was authenticated as its sender, such as User:t-1; absent: nobody. */
  readonly principal?: string;
}

export const alertId = (rule: string, partition: number, offset: number): string => `${rule}-${partition}-${offset}`;

export const encodeAlert = (alert: Alert): Buffer => Buffer.from(JSON.stringify(alert));
