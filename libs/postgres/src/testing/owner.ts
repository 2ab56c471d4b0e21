// A program that owns an embedded server, to be killed by a test: `owner.ts <folder> [exit|throw]`.
import { startEmbeddedPostgres } from '../embedded.ts';

const say = (_: object, message: string): void => console.error(message);
const logger = { debug: () => {}, info: say, warn: say, error: say };
const [, , folder = '', end] = process.argv;
const { url } = await startEmbeddedPostgres({ dataDir: folder, logger });
console.log(url);
if (end === 'exit') process.exit(3);
if (end === 'throw') throw new Error('an app that fails at its start');
setInterval(() => {}, 1_000);
