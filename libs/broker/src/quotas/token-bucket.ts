// A client's saved-up quota for changes of the metadata (KIP-599): fills at the quota's rate, up to the amount of all
// windows. One change may take more than there is; the next waits until the debt is paid.
import type { Windows } from './rate.ts';

export class TokenBucket {
  readonly #windows: Windows;
  #tokens = Number.POSITIVE_INFINITY;
  #updatedMs = 0;

  constructor(windows: Windows) {
    this.#windows = windows;
  }

  take(tokens: number, perSecond: number, nowMs: number): void {
    this.#refill(perSecond, nowMs);
    this.#tokens -= tokens;
  }

  /** How long until there is no debt. */
  debtMs(perSecond: number, nowMs: number): number {
    this.#refill(perSecond, nowMs);
    return this.#tokens >= 0 ? 0 : Math.round((-this.#tokens / perSecond) * 1_000);
  }

  #refill(perSecond: number, nowMs: number): void {
    const { count, sizeMs } = this.#windows;
    const mostTokens = (count * sizeMs * perSecond) / 1_000;
    const gained = ((nowMs - this.#updatedMs) / 1_000) * perSecond;
    this.#tokens = Math.min(mostTokens, this.#tokens + gained);
    this.#updatedMs = nowMs;
  }
}
