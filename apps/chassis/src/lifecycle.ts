// The parts of a program that start and stop: PostgreSQL, the broker, consumers, the gateway. Each belongs to a phase.
// They start phase by phase and stop in the reverse order, so that the intake closes before the parts that it feeds.

/** From the bottom up. Within a phase: in the order of registration. */
const phases = ['database', 'broker', 'cluster', 'clients', 'intake'] as const;
export type Phase = (typeof phases)[number];

export interface Part {
  readonly name: string;
  readonly phase: Phase;
  /**
   * A part that waits for others rejects when `aborted` fires: a Ctrl-C while the database is away must not wait for
   * it.
   */
  start(aborted: AbortSignal): Promise<void>;
  /** Called once if `start` was called, even if it failed halfway. */
  stop(): Promise<void>;
  /** Why it cannot do its work just now, for /health/ready; undefined if it can. */
  notReady?(): string | undefined;
  /** What it cannot do just now, while it does the rest of its work: it stays ready. */
  degraded?(): string | undefined;
}

export type PortName = 'kafka' | 'mqtt' | 'mqttWs' | 'mqtts' | 'mqttWss' | 'http' | 'metrics';

export class Lifecycle {
  readonly #parts: Part[] = [];
  readonly #running: Part[] = [];
  readonly #ports: Partial<Record<PortName, number>> = {};
  #state: 'starting' | 'running' | 'stopping' = 'starting';
  readonly #aborting = new AbortController();
  #starting: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  register(part: Part): void {
    this.#parts.push(part);
  }

  /** Records the port of a listener, for the ready line. */
  opened(name: PortName, port: number): void {
    this.#ports[name] = port;
  }
  get ports(): Readonly<Partial<Record<PortName, number>>> {
    return this.#ports;
  }

  start(): Promise<void> {
    this.#starting = this.#startAll();
    return this.#starting;
  }

  /**
   * Stops what was started, in reverse; a second call waits for the first. Every part is stopped, even if another one
   * threw.
   */
  stop(): Promise<void> {
    this.#state = 'stopping';
    this.#aborting.abort(new Error('stopped while starting'));
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  get hasStarted(): boolean {
    return this.#state === 'running';
  }

  /** Why the program is not ready; empty if it is. */
  notReady(): string[] {
    if (this.#state !== 'running')
      return [this.#state === 'starting' ? `starting ${this.#running.at(-1)?.name ?? ''}`.trim() : 'stopping'];
    return this.#namedBy((part) => part.notReady?.());
  }

  /** What the program does without, although it is ready. */
  degraded(): string[] {
    return this.#namedBy((part) => part.degraded?.());
  }

  #namedBy(reasonOf: (part: Part) => string | undefined): string[] {
    return this.#running.flatMap((part) => {
      const reason = reasonOf(part);
      return reason === undefined ? [] : [`${part.name}: ${reason}`];
    });
  }

  async #startAll(): Promise<void> {
    const { signal } = this.#aborting;
    for (const phase of phases)
      for (const part of this.#parts.filter((candidate) => candidate.phase === phase)) {
        signal.throwIfAborted();
        this.#running.push(part);
        await part.start(signal);
      }
    signal.throwIfAborted();
    this.#state = 'running';
  }

  async #stopAll(): Promise<void> {
    await this.#starting.catch(() => {}); // its caller has the reason
    const failures: unknown[] = [];
    for (let part = this.#running.pop(); part; part = this.#running.pop())
      await part.stop().catch((error: unknown) => failures.push(error));
    if (failures.length > 0)
      throw new AggregateError(failures, `could not stop cleanly: ${failures.map(String).join('; ')}`);
  }
}
