// Connects trucks: due positions (simulated or replayed) are sent through each truck's own connection.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { type Logger, silentLogger } from '@milepost/core';
import { cityRouter } from './city.ts';
import { publicationOf } from './formats.ts';
import { defaultOptions, type TrucksOptions } from './options.ts';
import { recordedDeviations } from './recorded-noise.ts';
import { Replay } from './replay/replay.ts';
import { readRecording } from './replay/track.ts';
import type { Fix } from './simulation/device.ts';
import { SimulatedFleet } from './simulation/fleet.ts';
import { demoQuirks, demoRoles } from './simulation/scenario.ts';
import { Uplink } from './uplink.ts';

export interface Trucks {
  /** Disconnects all; positions that wait for the gateway are dropped. */
  stop(): Promise<void>;
  /** Positions that the gateway has accepted (with QoS 1 and 2: acknowledged). */
  published(): number;
  connected(): number;
  /** Resolves when a replay has been published to its end; never for simulated trucks. */
  readonly finished: Promise<void>;
}

/** The interval at which due positions are sent. */
const tickMs = 50;
/** A recording played faster than the gateway accepts it falls behind here; nothing of it is dropped. */
const replayPendingLimit = 400;

/** Resolves when the trucks are driving, whether or not the gateway is there yet. */
export async function startTrucks(given: Partial<TrucksOptions> = {}, logger: Logger = silentLogger): Promise<Trucks> {
  const options = { ...defaultOptions, ...given };
  const source = options.replay ? replayOf(options, options.replay, logger) : simulationOf(options);
  const uplinks = new Map<string, Uplink>();
  const complain = complainOnce(options.mqtt, logger);
  let published = 0;
  const uplinkOf = (truckId: string): Uplink => {
    const uplink = uplinks.get(truckId) ?? new Uplink(truckId, options, () => (published += 1), complain);
    uplinks.set(truckId, uplink);
    return uplink;
  };
  const send = (fix: Fix) => uplinkOf(fix.truckId).publish(publicationOf(fix, options.format));

  const finished = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    const pending = Math.max(0, ...[...uplinks.values()].map((uplink) => uplink.pending));
    if (source instanceof Replay && source.isOver && pending === 0) finished.resolve();
    if (source instanceof Replay && pending >= replayPendingLimit) return; // a recording waits, trucks do not
    source.advance(Date.now(), replayPendingLimit).forEach(send);
  }, tickMs);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all([...uplinks.values()].map((uplink) => uplink.close()));
    },
    published: () => published,
    connected: () => [...uplinks.values()].filter(({ isConnected }) => isConnected).length,
    finished: finished.promise,
  };
}

function simulationOf(options: TrucksOptions): SimulatedFleet {
  const router = cityRouter();
  return new SimulatedFleet({
    router,
    deviations: recordedDeviations(),
    trucks: options.trucks,
    everyMs: options.everyMs,
    seed: options.seed,
    startMs: Date.now(),
    ...(options.demo ? { roles: demoRoles(router, options.seed), quirks: demoQuirks } : {}),
  });
}

function replayOf(
  { everyMs }: TrucksOptions,
  { file, times, speed }: NonNullable<TrucksOptions['replay']>,
  logger: Logger,
): Replay {
  const { tracks, summary } = readRecording(basename(file), bytesOf(file));
  logger.info({ file, summary }, `${basename(file)}: ${summary}`);
  return new Replay({ tracks, times, speed, everyMs, startMs: Date.now() });
}

function bytesOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`--replay: cannot read ${file} (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}

/** A thousand trucks that cannot connect log one line, until the reason changes. */
function complainOnce(mqttUrl: string, logger: Logger): (error: Error) => void {
  let last: string | undefined;
  return (error) => {
    const { code } = error as { code?: unknown };
    const reason = typeof code === 'string' ? code : error.message; // MQTT's own codes are numbers without a meaning for the user
    if (reason === last) return;
    last = reason;
    logger.warn({ mqttUrl, reason }, `no gateway at ${mqttUrl} (${reason}); retrying`);
  };
}
