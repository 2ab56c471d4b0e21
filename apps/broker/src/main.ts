import { DatabaseModule, runProgram } from '../../chassis/src/index.ts';
import { BrokerModule } from './broker.module.ts';

await runProgram({ name: 'broker', modules: () => [DatabaseModule, BrokerModule] });
