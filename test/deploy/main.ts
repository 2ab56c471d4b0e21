// `npm run test:deploy`: the chart, the Compose file and the image, as far as possible on this machine without a
// cluster; and the appliance with every port locked. Nothing here runs on Kubernetes; skipped checks are printed with their reason.
import { Report } from '../support/run.ts';
import { chartCases, schemaCases } from './chart.ts';
import { composeCases } from './compose.ts';
import { depotCases } from './depot.ts';
import { effectCases } from './effects.ts';
import { faultCases } from './faults.ts';
import { imageCases } from './image.ts';
import { lockedClusterCases } from './locked-cluster.ts';
import { lockedSliceCases } from './locked-slice.ts';
import { lockCases } from './locks.ts';
import { findHelm, findKubeconform, findSchemas } from './tools.ts';

const report = new Report();
await composeCases(report);
const helm = await findHelm();
if ('reason' in helm) report.skip('the chart', helm.reason);
else {
  await chartCases(report, helm.path);
  await faultCases(report, helm.path);
  await lockCases(report, helm.path);
  await effectCases(report, helm.path);
  await schemaCases(report, helm.path, await findKubeconform(), await findSchemas());
}
await depotCases(report);
await lockedClusterCases(report);
await lockedSliceCases(report);
await imageCases(report);
report.close();
