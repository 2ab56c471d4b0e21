// `npm run test:observability`: a running appliance with trucks, monitored by a real Prometheus and Alertmanager
// (Debian's packages prometheus and prometheus-alertmanager, skipped if they are not installed), its traces sent to a
// collector.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTrucks } from '../../apps/trucks/src/index.ts';
import { missing, Report } from '../support/run.ts';
import { metricCases, ruleCases } from './metric-cases.ts';
import { startLossyGateway } from './lossy-gateway.ts';
import { startOtlpReceiver } from './otlp-receiver.ts';
import { startPrometheus } from './prometheus.ts';
import { listen, start } from './stack.ts';
import { stopCases } from './stop-cases.ts';
import { addRule, speedingRule } from '../support/rules.ts';
import { traceCases } from './trace-cases.ts';

const report = new Report();
const folder = mkdtempSync(join(tmpdir(), 'milepost-observability-'));
chmodSync(folder, 0o711); // PostgreSQL's own user passes through
mkdirSync(join(folder, 'data'), { mode: 0o711 });
const collector = await startOtlpReceiver();
const [webhook, alerted, lossy] = [await listen(), await listen(), await startLossyGateway()];
const sources = ['--enable-source-maps', '--import', './tools/swc-hook.mjs'];
const appliance = start(process.execPath, [...sources, 'apps/appliance/src/main.ts'], {
  MILEPOST_DATA_DIR: join(folder, 'data'),
  MILEPOST_KAFKA_PORT: '0',
  MILEPOST_MQTT_PORT: '0',
  MILEPOST_MQTT_WS_PORT: '0',
  MILEPOST_HTTP_PORT: '0',
  MILEPOST_LOG_FORMAT: 'json',
  MILEPOST_WEBHOOK_URL: `${webhook.url}/alerts?token=secret`,
  KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_TRACES_SAMPLER_ARG: '1',
  OTEL_BSP_SCHEDULE_DELAY: '500',
});
try {
  await ruleCases(report);
  const { http, mqtt } = await appliance.ports();
  await addRule(http, speedingRule);
  const trucks = await startTrucks({ trucks: 10, everyMs: 500, mqtt: `mqtt://127.0.0.1:${mqtt}` });
  const away = (await missing('prometheus', '--version')) ?? (await missing('prometheus-alertmanager', '--version'));
  if (away) report.skip('panels, alerts and Alertmanager', `${away} (Debian: prometheus, prometheus-alertmanager)`);
  else {
    const targets = { milepost: http, 'milepost-lossy': lossy.httpPort };
    const prometheus = await startPrometheus({ folder, targets, webhook: alerted.url });
    await metricCases(report, prometheus, alerted, { mqtt, lossy: lossy.mqttPort }).finally(() => prometheus.stop());
  }
  await traceCases(report, { appliance, mqttPort: mqtt, collector, webhook });
  await trucks.stop();
  await stopCases(report, appliance, http);
} finally {
  await appliance.stop();
  await Promise.all([webhook, alerted, lossy].map((listener) => listener.close()));
  rmSync(folder, { recursive: true, force: true });
}
report.close();
process.exit();
