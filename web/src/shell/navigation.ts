/** Where one can go: one line for each page. The side bar, the palette and the keys are made from it. */
import type { IconName } from '~/ui/Icon'

export interface Destination {
  to: string
  label: string
  icon: IconName
  /** `g`, then this. */
  letter: string
  cli: string
}

export interface Section {
  label: string
  pages: Destination[]
}

export const NAVIGATION: Section[] = [
  {
    label: 'Fleet',
    pages: [
      { to: '/', label: 'Overview', icon: 'overview', letter: 'o', cli: 'cluster list' },
      { to: '/clusters', label: 'Clusters', icon: 'clusters', letter: 'c', cli: 'cluster list' },
      { to: '/droplets', label: 'Droplets', icon: 'droplets', letter: 'd', cli: 'droplet list' },
      { to: '/jobs', label: 'Jobs', icon: 'jobs', letter: 'j', cli: 'job list' },
      { to: '/schedules', label: 'Schedules', icon: 'wait', letter: 't', cli: 'schedule list' },
    ],
  },
  {
    label: 'Insight',
    pages: [
      { to: '/diagnosis', label: 'Health & diagnosis', icon: 'diagnosis', letter: 'h', cli: 'diagnose CLUSTER' },
      { to: '/monitoring', label: 'Monitoring', icon: 'monitoring', letter: 'm', cli: 'metrics get --cluster CLUSTER' },
      { to: '/events', label: 'Events', icon: 'events', letter: 'e', cli: 'events tail' },
    ],
  },
  {
    label: 'System',
    pages: [
      { to: '/observability', label: 'Observability', icon: 'observability', letter: 'b', cli: 'events dlq list' },
      { to: '/limits', label: 'Limits', icon: 'limits', letter: 'l', cli: 'limit list' },
      { to: '/access', label: 'Access', icon: 'key', letter: 'a', cli: 'key list' },
      { to: '/audit', label: 'Audit', icon: 'audit', letter: 'u', cli: 'audit list' },
      { to: '/settings', label: 'Settings', icon: 'settings', letter: 's', cli: 'config show' },
    ],
  },
]

export const PAGES: Destination[] = NAVIGATION.flatMap((section) => section.pages)
