// A scrape during a shutdown: whole pages until the port is closed, and a clean end.
import { setTimeout as pause } from 'node:timers/promises';
import { check, type Report } from '../support/run.ts';
import type { Program } from './stack.ts';

/** Far more often than any Prometheus, but not often enough to dominate a stop. */
const SCRAPE_EVERY_MS = 25;

export async function stopCases(report: Report, appliance: Program, httpPort: number): Promise<void> {
  await report.run('a scrape in mid-shutdown is answered in full, until there is nobody to ask', async () => {
    let isStopped = false;
    const saidBefore = appliance.log().length;
    const stopping = appliance.stop().then((status) => {
      isStopped = true;
      return status;
    });
    let pages = 0;
    while (!isStopped) {
      await pause(SCRAPE_EVERY_MS);
      const page = await scrape(httpPort);
      if (page === undefined) continue;
      check(page.endsWith('\n') && page.includes('\nprocess_cpu_seconds_total '), 'the page is whole', page);
      if (page.includes('\nmilepost_ready 0')) pages++;
    }
    check((await stopping) === 0, 'it ends well', appliance.log());
    check(pages > 0, 'it was asked while it stopped', pages);
    const complaints = appliance
      .log()
      .slice(saidBefore)
      .match(/^.*("level":"(error|fatal)"|the database is away).*$/gm);
    check(complaints === null, 'nothing is complained about', complaints);
  });
}

/** Undefined: the port is closed, or the connection was. A page that arrives has status 200. */
async function scrape(port: number): Promise<string | undefined> {
  const answer = await fetch(`http://127.0.0.1:${port}/metrics`).catch(() => undefined);
  check(answer === undefined || answer.ok, 'no scrape fails', answer?.status);
  return answer?.text().catch(() => undefined);
}
