// `milepost demo`: the appliance, 25 trucks that publish to it over MQTT, like any device, and rules that they break.
import { PostgresRuleStore } from '@milepost/postgres';
import type { DataSource } from 'typeorm';
import { appliance } from '../../appliance/src/appliance.ts';
import { DATABASE, runProgram } from '../../chassis/src/index.ts';
import { startTrucks } from '../../trucks/src/index.ts';
import { addDemoRules } from './demo-rules.ts';

const TRUCKS = 25;

export async function demo(): Promise<void> {
  process.stderr.write('[milepost] starting PostgreSQL, the broker, the gateway, the map and the notifications\n');
  await runProgram(appliance, async ({ app, ports, settings }) => {
    if (ports.mqtt === undefined || settings.mqttAuthentication === 'required')
      throw new Error(
        'the trucks of the demo publish without TLS and authentication, which this data folder does not allow: ' +
          'set another one (MILEPOST_DATA_DIR), or use `npm start`',
      );
    await addDemoRules(new PostgresRuleStore(app.get<() => DataSource>(DATABASE, { strict: false })()));
    const trucks = await startTrucks({ mqtt: `mqtt://127.0.0.1:${ports.mqtt}`, trucks: TRUCKS, demo: true });
    const map = `http://${settings.listen}:${ports.http}/`;
    process.stderr.write(
      [
        `[milepost] ${TRUCKS} trucks are driving: open ${map}`,
        `[milepost] publish one of your own: mosquitto_pub -p ${ports.mqtt} -q 1 -t trucks/t-1/gps -m '{"lat":57.70,"lon":11.97}'`,
        `[milepost] read the log: kcat -b 127.0.0.1:${ports.kafka} -t truck_gps -C -o beginning`,
        '[milepost] Ctrl-C stops everything cleanly',
        '',
      ].join('\n'),
    );
    return trucks;
  });
}
