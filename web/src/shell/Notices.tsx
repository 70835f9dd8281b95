/** What concerns every page: a newer version is running, or the server does not answer. */
import { Button } from '@mantine/core'
import { useServerVersion } from '~/api/server'
import { useFeedState } from '~/live/live'
import { Icon } from '~/ui/Icon'
import classes from './Shell.module.css'

export function Notices() {
  const { version, changed } = useServerVersion()
  const { connection } = useFeedState()
  return (
    <>
      {changed && (
        <div className={classes.notice} role="status" style={{ '--tone': 'var(--cg-busy)' } as React.CSSProperties}>
          <Icon name="retry" /> ClusterGenie was updated to {version}. Reload to use it.
          <Button onClick={() => location.reload()} size="xs">
            Reload
          </Button>
        </div>
      )}
      {connection === 'polling' && (
        <div className={classes.notice} role="status" style={{ '--tone': 'var(--cg-bad)' } as React.CSSProperties}>
          <Icon name="warn" /> The event stream does not answer. What you see may be old; this page catches up by
          itself.
        </div>
      )}
    </>
  )
}
