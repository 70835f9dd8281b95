/** Addresses in Grafana, of the dashboard that comes in deploy/grafana; none where the server names no Grafana. */

const DASHBOARD = 'clustergenie/clustergenie'

/** Those that say how ClusterGenie itself is, as deploy/grafana/dashboards/clustergenie.json numbers them. */
export const PANELS = [
  [8, 'How long requests take'],
  [13, 'How long jobs wait'],
  [11, 'Attempts that ended'],
  [19, 'Consumers behind'],
] as const

/** What a dashboard shows: its variables, and from when to when in milliseconds; no end means up to now. */
export interface Sight {
  job_id?: string
  trace_id?: string
  cluster_id?: string
  from: number
  to?: number
}

export function grafana(): string {
  return document.querySelector<HTMLMetaElement>('meta[name=grafana]')?.content ?? ''
}

export function dashboard(base: string, { from, to, ...variables }: Sight): string {
  const query = new URLSearchParams({ from: `${Math.floor(from)}`, to: to ? `${Math.ceil(to)}` : 'now' })
  for (const [name, value] of Object.entries(variables)) if (value) query.set(`var-${name}`, value)
  return `${base}/d/${DASHBOARD}?${query}`
}

export function solo(base: string, panel: number, scheme: 'light' | 'dark'): string {
  const query = new URLSearchParams({ panelId: `${panel}`, theme: scheme, from: 'now-1h', to: 'now', refresh: '30s' })
  return `${base}/d-solo/${DASHBOARD}?${query}`
}
