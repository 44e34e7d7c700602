/**
 * What a role's /metrics said, as series.
 */
export interface Series {
  /** With the suffix of a histogram's parts. */
  name: string
  labels: Readonly<Record<string, string>>
  value: number
}

/** Of Prometheus's text format. Throws on a line that is not of it. */
export function readSeries(text: string): Series[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const { name, labels = '', value } = /^(?<name>\w+)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups ?? {}
      if (name === undefined || value === undefined) throw new Error(`not a series: ${line}`)
      const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g)].map(([, label = '', said = '']) => [
        label,
        said,
      ])
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) }
    })
}
