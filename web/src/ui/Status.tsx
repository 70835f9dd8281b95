/** A state as icon + word + colour, so that no one of them has to carry it alone. */
import { Icon, type IconName } from '~/ui/Icon'
import classes from './Status.module.css'

type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle'

const LOOKS: Record<string, [Tone, IconName]> = {
  healthy: ['ok', 'ok'],
  active: ['ok', 'ok'],
  completed: ['ok', 'ok'],
  alive: ['ok', 'ok'],
  live: ['ok', 'ok'],
  empty: ['idle', 'idle'],
  pending: ['idle', 'wait'],
  scheduled: ['idle', 'wait'],
  ready: ['idle', 'wait'],
  paused: ['idle', 'pause'],
  provisioning: ['busy', 'busy'],
  scaling: ['busy', 'busy'],
  running: ['busy', 'busy'],
  reconnecting: ['busy', 'busy'],
  draining: ['warn', 'busy'],
  deleting: ['warn', 'busy'],
  retry: ['warn', 'retry'],
  handed_back: ['warn', 'retry'],
  degraded: ['warn', 'warn'],
  warning: ['warn', 'warn'],
  stale: ['warn', 'warn'],
  lost: ['bad', 'warn'],
  failed: ['bad', 'bad'],
  dead: ['bad', 'bad'],
  expired: ['bad', 'bad'],
  critical: ['bad', 'bad'],
  unhealthy: ['bad', 'bad'],
  cancelled: ['idle', 'stop'],
  deleted: ['idle', 'trash'],
  info: ['idle', 'idle'],
}

/** The colour of a state, as a CSS value. */
export function toneOf(status: string): string {
  return `var(--cg-${LOOKS[status]?.[0] ?? 'idle'})`
}

export function Status({ status, label, title }: { status: string; label?: string; title?: string }) {
  const [tone, icon] = LOOKS[status] ?? ['idle', 'idle']
  return (
    <span className={classes.status} data-tone={tone} title={title}>
      <Icon name={icon} size={13} spin={icon === 'busy'} />
      {label ?? status.replaceAll('_', ' ')}
    </span>
  )
}
