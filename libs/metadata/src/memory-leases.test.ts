import { ManualClock } from '../../core/src/testing/manual-clock.ts';
import { brokerLeasesContract } from './broker-lease.contract.ts';
import { MemoryBrokerLeases } from './memory-leases.ts';
import { MemoryMetadataDatabase } from './memory-database.ts';

brokerLeasesContract('MemoryBrokerLeases', async () => {
  const database = new MemoryMetadataDatabase();
  const clock = new ManualClock();
  return { connect: async () => new MemoryBrokerLeases(database, clock), close: async () => {} };
});
