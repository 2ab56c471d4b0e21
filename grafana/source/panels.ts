// The house style of panels: one place knows the data source, the filters, the sizes. A panel says in its description what
// good looks like.
import {
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  TooltipDisplayMode,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableHide,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export interface PanelPlan {
  readonly title: string;
  /** What is shown, and what good looks like. */
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** PromQL by legend. `$filter` stands for the dashboard's variables. */
  readonly queries: Readonly<Record<string, string>>;
  readonly min?: number;
  /** Colours of a stat: green below the first, yellow up to the second, red from there (`falling`: the other way round). */
  readonly thresholds?: readonly [warn: number, bad: number];
  readonly falling?: boolean;
}

export interface RowPlan {
  readonly title: string;
  readonly stats?: readonly PanelPlan[];
  readonly graphs?: readonly PanelPlan[];
}

export interface DashboardPlan {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly RowPlan[];
}

const COLUMNS = 24;
const STAT_HEIGHT = 4;
const GRAPH_HEIGHT = 8;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const VARIABLES = ['namespace', 'cluster', 'job', 'instance'] as const;
/** `.*` also matches a label that is not there: namespace and cluster are Kubernetes' and Prometheus's to add. */
const FILTER = VARIABLES.map((name) => `${name}=~"$${name}"`).join(',');

export function dashboardOf({ uid, title, description, rows }: DashboardPlan): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['milepost'])
    .refresh('30s')
    .time({ from: 'now-1h', to: 'now' })
    .timezone('browser')
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'));
  for (const name of VARIABLES) builder.withVariable(variableOf(name));
  let y = 0;
  for (const { title: rowTitle, stats = [], graphs = [] } of rows) {
    builder.withRow(new RowBuilder(rowTitle).gridPos({ x: 0, y, w: COLUMNS, h: 1 }));
    y += 1;
    const statWidth = Math.floor(COLUMNS / Math.max(1, stats.length));
    stats.forEach((plan, index) =>
      builder.withPanel(statOf(plan).gridPos({ x: index * statWidth, y, w: statWidth, h: STAT_HEIGHT })),
    );
    y += stats.length > 0 ? STAT_HEIGHT : 0;
    graphs.forEach((plan, index) =>
      builder.withPanel(
        graphOf(plan).gridPos({
          x: (index % 2) * (COLUMNS / 2),
          y: y + Math.floor(index / 2) * GRAPH_HEIGHT,
          w: COLUMNS / 2,
          h: GRAPH_HEIGHT,
        }),
      ),
    );
    y += Math.ceil(graphs.length / 2) * GRAPH_HEIGHT;
  }
  return builder.build();
}

function variableOf(name: (typeof VARIABLES)[number]): QueryVariableBuilder {
  const before = VARIABLES.slice(0, VARIABLES.indexOf(name)).map((other) => `${other}=~"$${other}"`);
  return new QueryVariableBuilder(name)
    .datasource(DATASOURCE)
    .query(`label_values(milepost_ready{${before.join(',')}}, ${name})`)
    .refresh(2)
    .includeAll(true)
    .allValue('.*')
    .multi(true)
    .current({ selected: true, text: 'All', value: '$__all' })
    .hide(name === 'namespace' || name === 'cluster' ? VariableHide.HideLabel : VariableHide.DontHide);
}

function statOf(plan: PanelPlan): StatBuilder {
  const [warn, bad] = plan.thresholds ?? [null, null];
  const colours = plan.falling ? ['red', 'yellow', 'green'] : ['green', 'yellow', 'red'];
  const steps = [
    { value: null, color: colours[0] ?? '' },
    ...(warn === null ? [] : [{ value: warn, color: colours[1] ?? '' }]),
    ...(bad === null ? [] : [{ value: bad, color: colours[2] ?? '' }]),
  ];
  const builder = new StatBuilder()
    .title(plan.title)
    .description(plan.description)
    .datasource(DATASOURCE)
    .unit(plan.unit)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps));
  return withQueries(builder, plan);
}

function graphOf(plan: PanelPlan): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .title(plan.title)
    .description(plan.description)
    .datasource(DATASOURCE)
    .unit(plan.unit)
    .min(plan.min ?? 0)
    .fillOpacity(10)
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  return withQueries(builder, plan);
}

function withQueries<Builder extends StatBuilder | TimeseriesBuilder>(
  builder: Builder,
  { queries }: PanelPlan,
): Builder {
  Object.entries(queries).forEach(([legend, query], index) => {
    const target = new DataqueryBuilder()
      .datasource(DATASOURCE)
      .refId(String.fromCharCode('A'.charCodeAt(0) + index))
      .expr(query.replaceAll('$filter', FILTER))
      .legendFormat(legend);
    builder.withTarget(target);
  });
  return builder;
}

/** A latency's quantile out of a histogram. */
export const quantile = (q: number, histogram: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (${by === '' ? 'le' : `${by}, le`}) (rate(${histogram}_bucket{$filter}[$__rate_interval])))`;

export const rateOf = (counter: string, by: string, where = ''): string =>
  `sum by (${by}) (rate(${counter}{$filter${where}}[$__rate_interval]))`;
