// `milepost doctor`: checks everything that a start needs, without starting: settings, ports, the data folder, Node.
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, resolve } from 'node:path';
import { readSettings, type Settings } from '@milepost/settings';

const LOW_DISK_BYTES = 1024 ** 3;

export async function doctor(): Promise<void> {
  const settings = readSettings('appliance', process.env);
  const findings = [...(await ports(settings)), ...folder(resolve(settings.dataDir))];
  for (const line of findings) process.stdout.write(`problem: ${line}\n`);
  if (findings.length === 0) process.stdout.write(`nothing in the way of a start (Node ${process.version})\n`);
  else process.exitCode = 1;
}

async function ports(settings: Settings): Promise<string[]> {
  const { listen, mqttListen = listen } = settings;
  const wanted = [
    ['MILEPOST_KAFKA_PORT', listen, settings.kafkaPort],
    ['MILEPOST_MQTT_PORT', mqttListen, settings.mqttPort],
    ['MILEPOST_MQTT_WS_PORT', mqttListen, settings.mqttWsPort],
    ['MILEPOST_MQTTS_PORT', mqttListen, settings.mqttsPort],
    ['MILEPOST_MQTT_WSS_PORT', mqttListen, settings.mqttWssPort],
    ['MILEPOST_HTTP_PORT', listen, settings.httpPort],
  ] as const;
  const findings: string[] = [];
  for (const [variable, host, port] of wanted)
    if (port && !(await isFree(host, port)))
      findings.push(`${host}:${port} is taken: stop what listens there, or set ${variable}`);
  return findings;
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((answer) => {
    const server = createServer();
    server.once('error', () => answer(false));
    server.listen(port, host, () => server.close(() => answer(true)));
  });
}

function folder(path: string): string[] {
  let there = path;
  while (!existsSync(there)) there = dirname(there);
  try {
    accessSync(there, constants.W_OK);
  } catch {
    return [`${there} is not writable: change its owner, or set MILEPOST_DATA_DIR`];
  }
  const { bavail, bsize } = statfsSync(there);
  const free = bavail * bsize;
  return free < LOW_DISK_BYTES ? [`${there} has ${Math.round(free / 1024 ** 2)} MB left`] : [];
}
