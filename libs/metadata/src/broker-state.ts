// A broker of an image: registered, fenced or not.
import type { Address, BrokerId, Uuid } from '@milepost/core';

export interface BrokerState {
  readonly id: BrokerId;
  /**
   * The image's version at its registration, hence unique: it distinguishes a deposed incarnation from the current one.
   */
  readonly epoch: number;
  /** The life of the process that registered. Null: a version registered it that did not record that. */
  readonly incarnation: Uuid | null;
  /** The advertised address. */
  readonly host: string;
  readonly port: number;
  /** The advertised addresses by listener. Absent: an earlier build registered it, which has the one above. */
  readonly listeners?: Readonly<Record<string, Address>>;
  readonly rack: string | null;
  /**
   * Its lease has ended, or it has left, or its new life is not ready yet. It becomes neither a leader nor a member of an ISR,
   * and clients are not sent to it. It unfences itself when it serves.
   */
  readonly isFenced: boolean;
  /**
   * The history of the database in which it registered (`historyOf`). A broker restores what it remembers of the history
   * before with its registration in the next one. Null: an earlier build registered it.
   */
  readonly history: string | null;
}
