// A dashboard's JSON as Grafana's own types have it. What they leave open (queries, options by kind of panel, properties of
// overrides) is closed here: a key that Grafana does not know is a mistake.
import type { GraphFieldConfig, LineStyle } from "@grafana/schema";
import type * as g from "./node_modules/@grafana/schema/dist/types/raw/dashboard/x/types.gen";
import type { Options as StatOptions } from "./node_modules/@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen";
import type {
  FieldConfig as TimelineField,
  Options as TimelineOptions,
} from "./node_modules/@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen";
import type {
  FieldConfig as TableField,
  Options as TableOptions,
} from "./node_modules/@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen";
import type { Options as SeriesOptions } from "./node_modules/@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen";

type Query = { refId: string; expr: string; legendFormat?: string; format?: "table"; instant?: true };

type Property =
  | { id: "color"; value: g.FieldColor }
  | { id: "custom.lineStyle"; value: LineStyle }
  | { id: "links"; value: { title: string; url: string; targetBlank: boolean }[] }
  | { id: "unit"; value: string };

type Transformation =
  | { id: "merge"; options: Record<string, never> }
  | { id: "organize"; options: { excludeByName: Record<string, true>; renameByName: Record<string, string> } };

type Of<Kind extends string, Options, Custom> = Omit<
  g.Panel,
  "type" | "options" | "fieldConfig" | "targets" | "transformations"
> & {
  type: Kind;
  options?: Partial<Options>;
  targets: Query[];
  transformations?: Transformation[];
  fieldConfig: {
    defaults: Omit<g.FieldConfig, "custom"> & { custom?: Partial<Custom> };
    overrides: { matcher: { id: "byName"; options: string }; properties: Property[] }[];
  };
};

type Panel =
  | Of<"timeseries", SeriesOptions, GraphFieldConfig>
  | Of<"stat", StatOptions, Record<string, never>>
  | Of<"state-timeline", TimelineOptions, TimelineField>
  | Of<"table", TableOptions, TableField>
  | g.RowPanel;

type Annotation = g.AnnotationQuery & { expr: string; titleFormat: string; step: string };

// JSON knows no enumerations: their values are its words.
type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

export type Dashboard = Plain<
  Omit<g.Dashboard, "panels" | "annotations"> & { uid: string; panels: Panel[]; annotations: { list: Annotation[] } }
>;
