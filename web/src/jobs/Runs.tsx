/** How long this job took beside the last runs of its type. */
import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type Job, jobList } from '~/jobs/api'
import { compared, secondsOf } from '~/jobs/runs'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { duration, plural, words } from '~/ui/format'
import { Panel } from '~/ui/Panel'
import { Waiting } from '~/ui/Waiting'
import classes from './Runs.module.css'

const MOST = 20

export function Runs({ job }: { job: Job }) {
  const filter = { type: job.type, status: 'completed', sort_by: 'completed_at', page_size: MOST }
  const query = useQuery({ ...jobList(filter), refetchInterval: false })
  const runs = [...(query.data?.jobs ?? [])].reverse()
  const longest = Math.max(0.001, ...runs.map(secondsOf), secondsOf(job))
  const mine = runs.some((one) => one.id === job.id)
  return (
    <Panel title={`Last runs of ${job.type}`}>
      {query.error && <ErrorPanel compact error={query.error} onRetry={() => void query.refetch()} />}
      {!query.data && !query.error && <Waiting lines={2} />}
      {query.data && (
        <>
          <Text mb={10} size="sm">
            {compared(job, runs)}
          </Text>
          <div className={classes.runs}>
            {(mine || !job.completed_at ? runs : [...runs, job]).map((one) => (
              <Link
                aria-label={`${words(one.type)} ${one.id}: ${duration(secondsOf(one))}`}
                className={classes.run}
                data-mine={one.id === job.id || undefined}
                data-status={one.status}
                key={one.id}
                params={{ jobId: one.id }}
                style={{ '--share': `${(100 * secondsOf(one)) / longest}%` } as React.CSSProperties}
                title={`${duration(secondsOf(one))}, ${one.id}`}
                to="/jobs/$jobId"
              />
            ))}
          </div>
          {runs.length > 0 && (
            <Text c="dimmed" mt={6} size="xs">
              {plural(runs.length, 'completed run')}, the newest at the right, the longest {duration(longest)}
            </Text>
          )}
        </>
      )}
    </Panel>
  )
}
