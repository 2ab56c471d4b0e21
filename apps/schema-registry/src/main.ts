import { DatabaseModule, runProgram } from '../../chassis/src/index.ts';
import { SchemaRegistryModule } from './schema-registry.module.ts';

await runProgram({ name: 'schema-registry', modules: () => [DatabaseModule, SchemaRegistryModule] });
