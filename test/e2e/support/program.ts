// test/support/program.ts for jest: what a file's tests left behind is cleaned up after them.
import { cleanUp } from '../../support/program.ts';

export * from '../../support/program.ts';

afterAll(cleanUp);
