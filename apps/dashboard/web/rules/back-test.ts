// "What would this rule have raised?": plays the log through a rule on the server, with progress, and shows the alerts in a list and
// on the map. Leaving the form ends it on the server too.
import type { Alert, BackTestEvent } from '@milepost/alerts';
import { RequestFailed, sendForLines } from '../api.ts';
import { h } from '../dom.ts';
import { count, dateTime } from '../format.ts';
import type { FleetMap } from '../map/fleet-map.ts';
import type { RuleDocument } from './rule-form.ts';

const hourMs = 3_600_000;
const spans = { 'the last hour': hourMs, 'the last day': 24 * hourMs, 'the last week': 7 * 24 * hourMs } as const;
const listed = 200;

type Event = BackTestEvent | { readonly kind: 'failed'; readonly message: string };

interface Options {
  readonly map: FleetMap;
  readonly rule: () => RuleDocument;
  readonly now: () => number;
  /** The rule is wrong: the form shows where. */
  readonly onRefused: (refusal: RequestFailed) => void;
}

export class BackTest {
  readonly element: HTMLElement;
  readonly #options: Options;
  readonly #span = h('select', { 'aria-label': 'Time' }, ...Object.keys(spans).map((span) => h('option', {}, span)));
  readonly #start = h(
    'button',
    { type: 'button', 'data-testid': 'back-test', onclick: () => void this.#run() },
    'Try it',
  );
  readonly #progress = h('progress', { max: 1, value: 0, 'aria-label': 'Progress', hidden: true });
  readonly #result = h('p', { class: 'hint', role: 'status', 'data-testid': 'back-test-result' });
  readonly #alerts = h('ul', { class: 'raised', 'aria-label': 'Alerts that it would have raised' });
  #running: AbortController | undefined;

  constructor(options: Options) {
    this.#options = options;
    this.#span.value = 'the last day';
    this.element = h(
      'section',
      { class: 'back-test', 'aria-label': 'Back-test' },
      h('h3', {}, 'What would it have raised in'),
      h('div', { class: 'buttons' }, this.#span, this.#start),
      this.#progress,
      this.#result,
      this.#alerts,
    );
  }

  stop(): void {
    this.#running?.abort();
    this.#options.map.showRaised([]);
  }

  async #run(): Promise<void> {
    if (this.#running) return this.#running.abort();
    const running = new AbortController();
    const raised: Alert[] = [];
    this.#running = running;
    this.#start.textContent = 'Stop';
    this.#progress.value = 0;
    this.#progress.hidden = false;
    this.#result.textContent = 'Reading the log…';
    this.#show(raised);
    try {
      const { map, now, rule } = this.#options;
      const from = new Date(now() - spans[this.#span.value as keyof typeof spans]).toISOString();
      const { id: _id, name, version: _version, ...draft } = rule();
      const body = { rule: { ...draft, ...(name !== '' && { name }) }, from }; // it needs no name yet
      for await (const event of sendForLines<Event>('api/rules/backtest', body, running.signal)) {
        if (event.kind === 'alert') raised.push(event.alert);
        else if (event.kind === 'progress') this.#say(event);
        else this.#end(event);
        if (event.kind !== 'alert') this.#show(raised);
      }
      map.frameRule();
      this.element.scrollIntoView({ block: 'start' });
    } catch (error) {
      if (running.signal.aborted) this.#result.textContent = `Stopped after ${alertsIn(raised.length)}.`;
      else this.#result.textContent = (error as Error).message;
      if (error instanceof RequestFailed && error.field) this.#options.onRefused(error);
    } finally {
      this.#running = undefined;
      this.#progress.hidden = true;
      this.#start.textContent = 'Try it';
    }
  }

  #say({ alerts, fraction, positions }: Extract<Event, { kind: 'progress' }>): void {
    this.#progress.value = fraction;
    this.#result.textContent = `${count(positions)} positions, ${alertsIn(alerts)} so far`;
  }

  #end(event: Extract<Event, { kind: 'end' | 'failed' }>): void {
    if (event.kind === 'failed') throw new Error(event.message);
    const { alerts, isCut, positions } = event;
    this.#result.textContent = isCut
      ? `More than ${alertsIn(alerts)}: it would fire all the time.`
      : `${alerts === 0 ? 'No alert' : alertsIn(alerts)} in ${count(positions)} positions.`;
  }

  #show(raised: readonly Alert[]): void {
    const newest = raised.toSorted((a, b) => (a.ts < b.ts ? 1 : -1));
    this.#options.map.showRaised(newest);
    this.#alerts.replaceChildren(
      ...newest
        .slice(0, listed)
        .map((alert) =>
          h(
            'li',
            {},
            h(
              'button',
              { type: 'button', onclick: () => this.#options.map.showAt(alert.position) },
              h('b', {}, alert.truckId),
              h('time', { datetime: alert.ts }, dateTime(Date.parse(alert.ts))),
              h('span', {}, alert.message),
            ),
          ),
        ),
    );
  }
}

const alertsIn = (number: number): string => `${count(number)} ${number === 1 ? 'alert' : 'alerts'}`;
