// A truck's recent positions, in the order in which they were taken, however late they arrived.

export interface TrailPoint {
  readonly timeMs: number;
  readonly lat: number;
  readonly lon: number;
  readonly speedKmh?: number;
}

/** Five minutes of a truck that reports every second, 100 minutes of one that reports every 20. */
export const trailLimit = 300;

export class Trail {
  readonly #points: TrailPoint[] = [];

  /** An existing point is not added again: devices send duplicates. The oldest is dropped. */
  add(point: TrailPoint): void {
    const at = this.#points.findLastIndex(({ timeMs }) => timeMs <= point.timeMs);
    const before = this.#points[at];
    if (before?.timeMs === point.timeMs && before.lat === point.lat && before.lon === point.lon) return;
    if (at === this.#points.length - 1) this.#points.push(point);
    else this.#points.splice(at + 1, 0, point);
    if (this.#points.length > trailLimit) this.#points.shift();
  }

  /** Removes later points: their clock has been set back since, and they would stay the newest. */
  forgetAfter(timeMs: number): void {
    while ((this.#points.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY) > timeMs) this.#points.pop();
  }

  /** Oldest first. */
  get points(): readonly TrailPoint[] {
    return this.#points;
  }
}
