// The recent rate of something, measured as in Kafka: a sum over a few windows, the last of which is not over. A new
// client is measured as if it had been silent before.
interface Sample {
  startedMs: number;
  lastEventMs: number;
  value: number;
}

export interface Windows {
  /** quota.window.num */
  readonly count: number;
  /** quota.window.size.seconds */
  readonly sizeMs: number;
}

export class Rate {
  readonly #windows: Windows;
  /** One more than there are windows: the oldest may reach into the measured time. */
  #samples: Sample[] = [];

  constructor(windows: Windows) {
    this.#windows = windows;
  }

  /** A negative value takes back what was just recorded. */
  record(value: number, nowMs: number): void {
    let newest = this.#samples.at(-1);
    if (!newest || nowMs - newest.startedMs >= this.#windows.sizeMs) {
      newest = { startedMs: nowMs, lastEventMs: nowMs, value: 0 };
      this.#samples.push(newest);
      if (this.#samples.length > this.#windows.count + 1) this.#samples.shift();
    }
    newest.value += value;
    newest.lastEventMs = nowMs;
  }

  perSecond(nowMs: number): number {
    const spanMs = this.#spanMs(nowMs);
    return (this.#samples.reduce((sum, { value }) => sum + value, 0) * 1_000) / spanMs;
  }

  /** How long to wait until the rate is at the limit again: (rate - limit) / limit times the measured time. */
  overMs(limit: number, nowMs: number): number {
    const rate = this.perSecond(nowMs);
    return rate <= limit ? 0 : Math.round(((rate - limit) / limit) * this.#spanMs(nowMs));
  }

  #spanMs(nowMs: number): number {
    const { count, sizeMs } = this.#windows;
    this.#samples = this.#samples.filter(({ lastEventMs }) => nowMs - lastEventMs < count * sizeMs);
    const elapsedMs = nowMs - (this.#samples[0]?.startedMs ?? nowMs);
    const missing = count - 1 - Math.floor(elapsedMs / sizeMs);
    return Math.max(elapsedMs + Math.max(0, missing) * sizeMs, 1);
  }
}
