// A program that connects to a database, of which several may run concurrently: `migrator.ts <url>`.
import { connectDatabase } from '../connect.ts';

const say = (_: object, message: string): void => console.error(message);
const logger = { debug: () => {}, info: say, warn: say, error: say };
const database = await connectDatabase(process.argv[2] ?? '', { logger });
await database.destroy();
