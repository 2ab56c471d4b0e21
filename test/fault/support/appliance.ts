// An appliance under test. Its data folder and its ports remain the same from start to start, so that clients find it
// again. Its database is its own, or the one of DATABASE_URL in its settings.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../../support/free-port.ts';
import { cleanUpWith, dataFolder, type Ports, Program, testSettings } from '../../support/program.ts';

type Settings = Readonly<Record<string, string>>;

export class Appliance {
  readonly folder: string;
  readonly #settings: Settings;
  #program: Program | undefined;

  private constructor(folder: string, settings: Settings) {
    this.folder = folder;
    this.#settings = settings;
  }

  /** Not started yet. `folder`: an existing data folder; a new one otherwise. */
  static async make(settings: Settings = {}, folder = dataFolder()): Promise<Appliance> {
    const ports = {
      MILEPOST_KAFKA_PORT: String(await freePort()),
      MILEPOST_MQTT_PORT: String(await freePort()),
      MILEPOST_HTTP_PORT: String(await freePort()),
    };
    const own = { MILEPOST_DATA_DIR: folder, MILEPOST_LOG_LEVEL: 'warn' };
    const appliance = new Appliance(folder, { ...testSettings, ...ports, ...own, ...settings });
    cleanUpWith(() => appliance.kill());
    return appliance;
  }

  static async start(settings: Settings = {}, folder?: string): Promise<Appliance> {
    const appliance = await Appliance.make(settings, folder);
    await appliance.start();
    return appliance;
  }

  /** The environment for another Milepost program beside it. */
  get settings(): Settings {
    return this.#settings;
  }

  get ports(): Ports {
    return this.#running.ports;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get log(): string {
    return this.#running.log;
  }

  /** Resolves when it is ready. @throws with its log if it ends before */
  async start(extra: Settings = {}): Promise<void> {
    this.#program = await Program.start('appliance', { ...this.#settings, ...extra });
  }

  /**
   * For a start that is expected to be refused: its status and its log. One that does not end is killed after the
   * limit.
   */
  async refused(extra: Settings = {}): Promise<{ readonly status: number | string; readonly log: string }> {
    return Program.run('appliance', { ...this.#settings, ...extra }, [], { limitMs: 120_000 });
  }

  /** Like Ctrl-C. Resolves with the exit status. */
  stop(): Promise<number | string> {
    return this.#running.stop();
  }

  /** kill -9 of the appliance's own process. Its PostgreSQL lives on, until the next start stops it. */
  killNode(): Promise<void> {
    return this.#running.kill();
  }

  /** kill -9 of its embedded PostgreSQL, which the appliance restarts. False: none is running. */
  killPostgres(): boolean {
    const pid = this.#postgresPid();
    if (pid === undefined || !commandOf(pid).includes('postgres')) return false;
    process.kill(pid, 'SIGKILL');
    return true;
  }

  /** Kills all of its processes at once, like a power switch. */
  async kill(): Promise<void> {
    await this.#program?.kill();
    this.killPostgres();
  }

  async get(path: string): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.#settings['MILEPOST_HTTP_PORT']}${path}`);
  }

  get #running(): Program {
    if (!this.#program) throw new Error('the appliance was not started');
    return this.#program;
  }

  #postgresPid(): number | undefined {
    const note = join(this.folder, 'postgres', 'location');
    const home = existsSync(note) ? readFileSync(note, 'utf8').trim() : join(this.folder, 'postgres');
    const file = join(home, 'cluster', 'postmaster.pid');
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n', 1)[0]) : undefined;
  }
}

/** '' if there is no such process, or if the system does not show it. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
