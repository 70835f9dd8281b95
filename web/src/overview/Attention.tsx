/** What a person should look at first, worst first; each line leads to where it can be settled. */
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useRefusal } from '~/auth/useMay'
import { orphanList } from '~/droplets/api'
import { attentionOf } from '~/overview/attention-plan'
import { CLUSTERS, DROPLETS, FAILED } from '~/overview/OverviewPage'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { toneOf } from '~/ui/Status'
import { Ago, useNow } from '~/ui/Time'
import classes from './Attention.module.css'

const LATER = 2000

/** True once the page has been here for a while: every provider is asked for its machines, and some take their time. */
function useLater(): boolean {
  const [later, setLater] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLater(true), LATER)
    return () => clearTimeout(timer)
  }, [])
  return later
}

export function Attention() {
  const clusters = useQuery(CLUSTERS)
  const failed = useQuery(FAILED)
  const droplets = useQuery(DROPLETS)
  const everything = useRefusal('viewer') === ''
  const later = useLater()
  const orphans = useQuery({ ...orphanList(), enabled: everything && later })
  const hour = useNow((moment) => Math.floor(moment / 60_000) * 60_000)
  const unread = [clusters, failed, droplets].filter((one) => !one.data && one.error)
  if (unread[0]) {
    return <ErrorPanel error={unread[0].error} onRetry={() => unread.forEach((one) => void one.refetch())} />
  }
  if (!clusters.data || !failed.data) return null
  const items = attentionOf(
    {
      clusters: clusters.data.clusters,
      failed: failed.data.jobs,
      lost: (droplets.data?.droplets ?? []).filter((one) => one.status === 'lost' || one.status === 'failed'),
      orphans: orphans.data?.orphans.length ?? 0,
      orphanCost: orphans.data?.hourly_usd_micros ?? 0,
    },
    hour,
  )
  if (items.length === 0) {
    return (
      <div className={classes.calm} role="status">
        <Icon name="ok" size={18} /> Nothing needs your attention.
      </div>
    )
  }
  return (
    <section aria-label="Needs attention" className={classes.attention}>
      <h2 className={classes.title}>Needs attention</h2>
      <ul>
        {items.map((item) => (
          <li key={item.key}>
            <Link
              className={classes.item}
              data-row
              search={item.search as never}
              style={{ '--tone': toneOf(item.tone) } as React.CSSProperties}
              to={item.to}
            >
              <Icon name="warn" size={17} />
              <span className={classes.text}>
                <strong>{item.title}</strong> {item.why}
              </span>
              {item.at && (
                <span className={classes.when}>
                  <Ago at={item.at} />
                </span>
              )}
              <Icon name="right" size={14} />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
