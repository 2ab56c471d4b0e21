// `npm run trucks -- --trucks 1000 --every 20s --mqtt mqtt://127.0.0.1:1883`: runs until Ctrl-C or a replay's end.
import { type Logger, silentLogger } from '@milepost/core';
import { readOptions, usage } from './options.ts';
import { startTrucks } from './start.ts';

const progressMs = 5_000;

/** @throws Error, one line with the cure: a wrong option, a file without a track. */
export async function trucks(args: readonly string[]): Promise<void> {
  const options = readOptions(args);
  if (!options) return void process.stdout.write(`${usage}\n`);
  const running = await startTrucks(options, plainLogger);
  const what = options.replay ? `replaying ${options.replay.file}` : `${options.trucks} trucks`;
  say(`${what} -> ${options.mqtt} (MQTT ${options.protocol}, QoS ${options.qos}, ${options.format}); Ctrl-C stops`);
  const progress = setInterval(() => {
    say(`${running.connected()} connected, ${running.published()} positions`);
  }, progressMs);
  await Promise.race([running.finished, interruption()]);
  clearInterval(progress);
  await running.stop();
  say(`${running.published()} positions published`);
}

function interruption(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
}

const plainLogger: Logger = {
  ...silentLogger,
  info: (_fields, message) => say(message),
  warn: (_fields, message) => say(message),
};

function say(line: string): void {
  process.stderr.write(`trucks: ${line}\n`);
}
