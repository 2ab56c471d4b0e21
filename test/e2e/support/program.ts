// test/support/program.ts for jest: cleans up after the tests of a file.
import { cleanUp } from '../../support/program.ts';

export * from '../../support/program.ts';

afterAll(cleanUp);
