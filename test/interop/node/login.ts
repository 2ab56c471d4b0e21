// How the programs beside this file log in: by the environment, as test/interop/login.ts sets it. Undefined: not at all.
import { readFileSync } from 'node:fs';

const { INTEROP_CA, INTEROP_MECHANISM, INTEROP_PASSWORD = '', INTEROP_USERNAME = '' } = process.env;

export const login =
  INTEROP_MECHANISM === undefined || INTEROP_CA === undefined
    ? undefined
    : {
        ca: readFileSync(INTEROP_CA, 'utf8'),
        mechanism: INTEROP_MECHANISM as 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512',
        username: INTEROP_USERNAME,
        password: INTEROP_PASSWORD,
      };
