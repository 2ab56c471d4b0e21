// The pending acknowledgements of one connection, in the order of its publishes. Records of different partitions are
// stored in any order; MQTT-4.6.0 requires PUBACKs and PUBRECs in the order of the PUBLISHes, so an early one waits
// here.
import type { Acknowledgement, AckRemark } from './engine.ts';

export interface AckSlot extends Acknowledgement {
  due: boolean;
  remark?: AckRemark;
}

export class AckQueue {
  #slots: AckSlot[] = [];
  #first = 0;

  get length(): number {
    return this.#slots.length - this.#first;
  }

  expect(messageId: number, qos: 1 | 2): AckSlot {
    const slot: AckSlot = { messageId, qos, due: false };
    this.#slots.push(slot);
    return slot;
  }

  /** Removes and returns those at the front that are due. */
  takeDue(): readonly Acknowledgement[] {
    let end = this.#first;
    while (this.#slots[end]?.due === true) end++;
    if (end === this.#slots.length) {
      const all = this.#first === 0 ? this.#slots : this.#slots.slice(this.#first);
      this.#slots = [];
      this.#first = 0;
      return all;
    }
    const due = this.#slots.slice(this.#first, end);
    this.#first = end;
    if (this.#first > this.#slots.length / 2) {
      this.#slots = this.#slots.slice(this.#first);
      this.#first = 0;
    }
    return due;
  }
}
