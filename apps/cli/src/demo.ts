// `milepost demo`: the appliance, 25 trucks that publish to it over MQTT, like any device, and rules that they break. Where
// `milepost secure` has closed the ports, the trucks come by TLS, as a device of their own, whose password is another one at each start.
import { randomBytes } from 'node:crypto';
import { nodeKeyDerivation } from '@milepost/node-host';
import { PostgresDeviceStore, PostgresRuleStore } from '@milepost/postgres';
import { LEAST_ITERATIONS, scramCredential } from '@milepost/security';
import type { DataSource } from 'typeorm';
import { appliance } from '../../appliance/src/appliance.ts';
import { DATABASE, type Program, runProgram } from '../../chassis/src/index.ts';
import { startTrucks, type TrucksOptions } from '../../trucks/src/index.ts';
import { addDemoRules } from './demo-rules.ts';

const TRUCKS = 25;
/** Of all trucks together: the ids of trucks may be those of real ones. */
const DEVICE = 'demo-trucks';

export async function demo(): Promise<void> {
  process.stderr.write('[milepost] starting PostgreSQL, the broker, the gateway, the map and the notifications\n');
  await runProgram(appliance, async (program) => {
    const database = program.app.get<() => DataSource>(DATABASE, { strict: false })();
    const isLocked = program.settings.mqttAuthentication === 'required';
    const uplink = isLocked ? await lockedUplink(program, new PostgresDeviceStore(database)) : openUplink(program);
    await addDemoRules(new PostgresRuleStore(database));
    const trucks = await startTrucks({ ...uplink, trucks: TRUCKS, demo: true });
    process.stderr.write(`${(isLocked ? lockedWords(program) : openWords(program)).join('\n')}\n`);
    return trucks;
  });
}

type Uplink = Pick<TrucksOptions, 'mqtt' | 'login' | 'isItself'>;

function openUplink({ ports }: Program): Uplink {
  if (ports.mqtt !== undefined) return { mqtt: `mqtt://127.0.0.1:${ports.mqtt}` };
  throw new Error(
    'MILEPOST_MQTT_PORT: expected a port for the trucks of the demo, as devices do not authenticate; it is off',
  );
}

async function lockedUplink({ ports }: Program, devices: PostgresDeviceStore): Promise<Uplink> {
  if (ports.mqtts === undefined)
    throw new Error(
      'MILEPOST_MQTTS_PORT: expected a port for the trucks of the demo, as devices authenticate; it is off',
    );
  const password = randomBytes(18).toString('base64url');
  const given = { salt: randomBytes(16), iterations: LEAST_ITERATIONS };
  const credential = await scramCredential('SCRAM-SHA-256', password, given, (...input) =>
    nodeKeyDerivation.pbkdf2(...input),
  );
  await devices.add([{ id: DEVICE, credential, publish: ['trucks/#'], subscribe: [] }], true);
  return { mqtt: `mqtts://127.0.0.1:${ports.mqtts}`, login: { username: DEVICE, password }, isItself: true };
}

const openWords = ({ ports, settings }: Program): string[] => [
  `[milepost] ${TRUCKS} trucks are driving: open http://${settings.listen}:${ports.http}/`,
  `[milepost] publish one of your own: mosquitto_pub -p ${ports.mqtt} -q 1 -t trucks/t-1/gps -m '{"lat":57.70,"lon":11.97}'`,
  `[milepost] read the log: kcat -b 127.0.0.1:${ports.kafka} -t truck_gps -C -o beginning`,
  '[milepost] Ctrl-C stops everything cleanly',
];

const lockedWords = ({ ports, settings }: Program): string[] => [
  `[milepost] ${TRUCKS} trucks are driving: open ${settings.httpTls ? 'https' : 'http'}://localhost:${ports.http}/ and sign in (docs/SECURITY.md)`,
  '[milepost] publish one of your own: npx milepost devices add t-1, then mosquitto_pub',
  `           -p ${ports.mqtts} --cafile <the authority> -u t-1 -P <its password> -q 1 -t trucks/t-1/gps -m '{"lat":57.70,"lon":11.97}'`,
  '[milepost] Ctrl-C stops everything cleanly',
];
