import { partitionOf } from '@milepost/streams';
import { cCompiler, type FaultCase } from '../fault-case.ts';
import { Appliance } from '../support/appliance.ts';
import { FailingSync } from '../support/failing-sync.ts';
import { Fleet } from '../support/fleet.ts';
import { check } from '../../support/run.ts';
import { until } from '../../e2e/support/until.ts';

const PARTITIONS = 10;
const TRUCKS = 20;

export const failedPartition: FaultCase = {
  name: 'failed-partition',
  claim: 'a disk that fails under one partition stops its own trucks only; the map goes on for all others',
  needs: [cCompiler],
  async run() {
    const disk = await FailingSync.compile();
    const appliance = await Appliance.start(disk.settings);
    const fleet = Fleet.start(appliance, TRUCKS);
    await fleet.goesOn();
    const failed = partitionOf(Buffer.from(fleet.trucks[0]?.truckId ?? ''), PARTITIONS);
    const [waiting, healthy] = [true, false].map((isFailed) =>
      fleet.trucks.filter(({ truckId }) => (partitionOf(Buffer.from(truckId), PARTITIONS) === failed) === isFailed),
    );
    check(waiting !== undefined && healthy !== undefined && healthy.length > 0, 'trucks of both kinds', TRUCKS);
    disk.fail(`truck_gps-${failed}/`);
    await until('the failed partition is named by /health/ready', async () => {
      const answer = await appliance.get('/health/ready');
      return answer.status === 503 && (await answer.text()).includes(`truck_gps-${failed}`);
    });
    const connections = healthy.map(({ connects }) => connects);
    for (let round = 0; round < 3; round++) {
      await fleet.goesOn(healthy);
      await fleet.isOnTheMap(healthy);
    }
    check(
      String(healthy.map(({ connects }) => connects)) === String(connections),
      'healthy trucks stay connected',
      connections,
    );
    await fleet.stop();
    await appliance.kill();
    disk.fail('');
    await appliance.start();
    await fleet.verify(appliance);
    check((await appliance.stop()) === 0, 'a clean stop', appliance.log);
  },
};
