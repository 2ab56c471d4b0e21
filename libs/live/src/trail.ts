// Where a truck was of late: its last positions in the order in which they were taken, however late they arrived.

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

  /** A point that is there already is not added: devices send twice. The oldest gives way. */
  add(point: TrailPoint): void {
    const at = this.#points.findLastIndex(({ timeMs }) => timeMs <= point.timeMs);
    const before = this.#points[at];
    if (before?.timeMs === point.timeMs && before.lat === point.lat && before.lon === point.lon) return;
    if (at === this.#points.length - 1) this.#points.push(point);
    else this.#points.splice(at + 1, 0, point);
    if (this.#points.length > trailLimit) this.#points.shift();
  }

  /** What lies after the present was timed by a clock that has been set back since: it would stay the newest. */
  forgetAfter(timeMs: number): void {
    while ((this.#points.at(-1)?.timeMs ?? Number.NEGATIVE_INFINITY) > timeMs) this.#points.pop();
  }

  /** Oldest first. */
  get points(): readonly TrailPoint[] {
    return this.#points;
  }
}
