import { runProgram } from '../../chassis/src/index.ts';
import { appliance } from './appliance.ts';

await runProgram(appliance);
