import { createRequire } from 'node:module';

/** What is used of Apache ECharts. Its own types want those of a browser. */
interface ECharts {
  init(element: undefined, theme: undefined, options: object): Canvas;
}

interface Canvas {
  setOption(option: object): void;
  renderToSVGString(): string;
  dispose(): void;
}

const charts = createRequire(import.meta.url)('echarts') as ECharts;

/** Bars side by side for each category, one for each series. */
export interface BarChart {
  readonly title: string;
  readonly categories: readonly string[];
  readonly series: readonly BarSeries[];
  /** For a value at its bar. */
  readonly format: (value: number) => string;
  /** For values that lie far from each other. */
  readonly isLogarithmic?: boolean;
}

export interface BarSeries {
  readonly label: string;
  readonly color: string;
  /** In the order of the categories; undefined for no bar. */
  readonly values: readonly (number | undefined)[];
}

export const THEMES = {
  light: { text: '#1f2328', faint: '#d1d9e0' },
  dark: { text: '#f0f6fc', faint: '#3d444d' },
} as const;

export type Theme = keyof typeof THEMES;

const WIDTH = 840;
// No quotes: ECharts would put them into attributes as they are.
const FONT = 'system-ui, -apple-system, Helvetica, Arial, sans-serif';
/** Pixels. */
const LABELS = 180;
const BAR = 15;
const CATEGORY_GAP = 22;
const HEADER = 76;
const FOOTER = 16;

/** Draws a chart as SVG, on no background of its own. */
export function drawBars(chart: BarChart, theme: Theme): string {
  const { text, faint } = THEMES[theme];
  const height = HEADER + chart.categories.length * (chart.series.length * BAR + CATEGORY_GAP) + FOOTER;
  const canvas = charts.init(undefined, undefined, { renderer: 'svg', ssr: true, width: WIDTH, height });
  canvas.setOption({
    animation: false,
    textStyle: { fontFamily: FONT, color: text },
    title: { text: chart.title, left: 8, top: 8, textStyle: { color: text, fontSize: 16, fontWeight: 600 } },
    legend: { left: 4, top: 36, itemWidth: 14, itemHeight: 10, itemGap: 28, textStyle: { color: text, fontSize: 12 } },
    grid: { left: LABELS, right: 72, top: HEADER, bottom: FOOTER },
    xAxis: {
      type: chart.isLogarithmic === true ? 'log' : 'value',
      axisLabel: { show: false },
      splitLine: { lineStyle: { color: faint, opacity: 0.5 } },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: [...chart.categories],
      axisTick: { show: false },
      axisLine: { lineStyle: { color: faint } },
      axisLabel: { color: text, fontSize: 13 },
    },
    series: chart.series.map(({ label, color, values }) => ({
      name: label,
      type: 'bar',
      barWidth: BAR - 3,
      barGap: '25%',
      itemStyle: { color, borderRadius: 2 },
      data: values.map((value) => value ?? '-'),
      label: {
        show: true,
        position: 'right',
        color: text,
        fontSize: 11,
        formatter: ({ value }: { value: unknown }) => (typeof value === 'number' ? chart.format(value) : ''),
      },
    })),
  });
  const svg = canvas.renderToSVGString();
  canvas.dispose();
  return svg;
}
