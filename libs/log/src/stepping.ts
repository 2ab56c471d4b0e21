// How work on a large batch goes in steps on a host: other work has its turn in between.
import type { Host } from '@milepost/core';
import type { Stepping } from '@milepost/records';

export type SteppingHost = Pick<Host, 'clock' | 'inflater' | 'deflater'>;

export const steppingOn = ({ clock, inflater, deflater }: SteppingHost): Stepping => ({
  inflater,
  deflater,
  nextTurn: () => new Promise((resolve) => clock.after(0, resolve)),
});
