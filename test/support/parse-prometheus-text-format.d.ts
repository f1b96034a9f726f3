declare module 'parse-prometheus-text-format' {
  interface Sample {
    readonly labels?: Readonly<Record<string, string>>;
    readonly value?: string;
    /** Of a histogram, whose labels the parser leaves out; by upper bound. */
    readonly buckets?: Readonly<Record<string, string>>;
  }

  interface Family {
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly metrics: readonly Sample[];
  }

  /** @throws where the text is malformed */
  export default function parsePrometheusTextFormat(text: string): Family[];
}
