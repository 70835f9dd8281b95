/** One cell for each droplet, coloured by its state; a glance shows what is not like the others. */
import { Link } from '@tanstack/react-router'
import type { Droplet } from '~/droplets/api'
import { toneOf } from '~/ui/Status'
import classes from './DropletMap.module.css'

export function DropletMap({ droplets }: { droplets: Droplet[] }) {
  return (
    <div className={classes.map}>
      {droplets.map((one) => (
        <Link
          aria-label={`${one.name}: ${one.status}`}
          className={classes.cell}
          data-broken={['lost', 'failed'].includes(one.status) || undefined}
          key={one.id}
          search={{ open: one.id }}
          style={{ '--tone': toneOf(one.status) } as React.CSSProperties}
          title={`${one.name}: ${one.status}`}
          to="/droplets"
        />
      ))}
    </div>
  )
}
