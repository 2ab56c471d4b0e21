// The main job's end-to-end test, unchanged, with every port locked as `milepost secure` does: MQTT over TLS, HTTPS, Kafka over SASL_SSL; and
// the demo behind the same doors.
import { until } from '../e2e/support/until.ts';
import { cleanUp, dataFolder, Program } from '../support/program.ts';
import { check, command, type Report } from '../support/run.ts';

const JEST_LIMIT_MS = 1_200_000;
const SOME_POSITIONS = 25;

export async function lockedSliceCases(report: Report): Promise<void> {
  await report.run('the main job, end to end, with every port locked', async () => {
    const jest = [
      '--experimental-vm-modules',
      '--disable-warning=ExperimentalWarning',
      'node_modules/jest/bin/jest.js',
    ];
    const { status, stderr } = await command(process.execPath, [...jest, 'test/e2e/slice.test.ts'], undefined, {
      env: { TEST_LOCKED: 'true', NODE_OPTIONS: '' },
      limitMs: JEST_LIMIT_MS,
    });
    check(status === 0, 'every test passes', stderr);
    process.stdout.write(`        ${/^Tests: .*$/m.exec(stderr)?.[0]}\n`);
  });
  await report.run('the trucks of the demo drive behind locked ports, twice', demo);
}

/** A second start finds the device of the first. */
async function demo(): Promise<void> {
  const env = { MILEPOST_DATA_DIR: dataFolder(), MILEPOST_LOG_LEVEL: 'warn' };
  const cli = ['--import', './tools/swc-hook.mjs', 'apps/cli/src/main.ts', 'secure', '--name', 'localhost'];
  const locked = await command(process.execPath, cli, undefined, { env });
  check(locked.status === 0, '`milepost secure`', locked.stderr);
  const names = ['HTTP', 'METRICS', 'MQTTS', 'MQTT_WSS', 'KAFKA'];
  const ports = Object.fromEntries(names.map((name) => [`MILEPOST_${name}_PORT`, '0'])) as Record<string, string>;
  // The listener for other machines is not needed here, and its port may be taken.
  const listeners = { KAFKA_LISTENERS: 'APPS://127.0.0.1:0', KAFKA_ADVERTISED_LISTENERS: '' };
  try {
    for (let start = 0; start < 2; start++) {
      const program = await Program.start('cli', { ...env, ...ports, ...listeners }, ['demo']);
      await program.says(/trucks are driving: open https:/);
      await until('positions', async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${program.ports.metrics}/metrics`)).text();
        return Number(/^milepost_mqtt_messages_appended_total\S* (\d+)/m.exec(metrics)?.[1] ?? 0) > SOME_POSITIONS;
      });
      await program.stop();
    }
  } finally {
    await cleanUp();
  }
}
