// The dashboards as Grafana reads them, by the file they are kept in.
import { brokerAndGroups } from './broker-and-groups.ts';
import { fleetIngest } from './fleet-ingest.ts';
import { dashboardOf } from './panels.ts';

export const dashboards = { 'fleet-ingest': fleetIngest, 'broker-and-groups': brokerAndGroups };

export const dashboardFiles = (): Record<string, string> =>
  Object.fromEntries(
    Object.entries(dashboards).map(([name, plan]) => [
      `grafana/dashboards/${name}.json`,
      `${JSON.stringify(dashboardOf(plan), null, 2)}\n`,
    ]),
  );
