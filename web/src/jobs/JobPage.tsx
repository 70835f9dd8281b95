/** One job: how far it is, what it did step by step, every attempt, what went in and what came out. */
import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { eventList } from '~/events/api'
import { Attempts } from '~/jobs/Attempts'
import { type Attempt, type Job, jobAttempts, jobOne } from '~/jobs/api'
import { JobButtons } from '~/jobs/JobButtons'
import { JobProgress } from '~/jobs/JobProgress'
import { Runs } from '~/jobs/Runs'
import { Steps } from '~/jobs/Steps'
import { stepsOf } from '~/jobs/timeline'
import { Waterfall } from '~/jobs/Waterfall'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Facts, Json } from '~/ui/Facts'
import { words } from '~/ui/format'
import { GrafanaLink } from '~/ui/GrafanaLink'
import { Columns, Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Moment, Took } from '~/ui/Time'
import { Waiting } from '~/ui/Waiting'

const route = getRouteApi('/jobs/$jobId')

export function JobPage() {
  const { jobId } = route.useParams()
  const query = useQuery(jobOne(jobId))
  const attempts = useQuery(jobAttempts(jobId))
  const job = query.data?.job
  const name = job ? words(job.type.split('.').pop() ?? job.type) : jobId
  return (
    <Page
      actions={
        job && (
          <>
            <GrafanaLink {...sightOf(job)} />
            <JobButtons job={job} />
          </>
        )
      }
      back={{ to: '/jobs', label: 'Jobs' }}
      heading={
        job && (
          <Group component="span" gap={12}>
            {name} <Status status={job.status} />
          </Group>
        )
      }
      request={{ path: `/jobs/${jobId}`, cli: ['job', 'get', jobId], python: `client.jobs.get("${jobId}")` }}
      sentence={<span className="cg-mono">{jobId}</span>}
      title={name}
    >
      {query.error && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {!job && !query.error && <Waiting lines={10} />}
      {job && (
        <>
          <Outcome job={job} />
          <Columns least={400}>
            <Stack gap={16}>
              <Where attempts={attempts.data?.attempts} job={job} />
              <Panel title="Steps">
                <Steps job={job} />
              </Panel>
            </Stack>
            <Stack gap={16}>
              <Runs job={job} />
              <About job={job} />
              <Panel title="Attempts">
                {attempts.error ? (
                  <ErrorPanel compact error={attempts.error} onRetry={() => void attempts.refetch()} />
                ) : (
                  <Attempts attempts={attempts.data?.attempts} most={job.max_attempts} />
                )}
              </Panel>
              <Panel title="Input">
                <Json label="Parameters" value={job.parameters} />
              </Panel>
              {job.result && (
                <Panel title="Output">
                  <Json label="Result" value={job.result} />
                </Panel>
              )}
            </Stack>
          </Columns>
        </>
      )}
    </Page>
  )
}

/** Its lines and the metrics around it, with a minute on either side. */
function sightOf({ id, trace_id, created_at, completed_at }: Job) {
  const to = completed_at ? Date.parse(completed_at) + 60_000 : undefined
  return { job_id: id, trace_id, from: Date.parse(created_at) - 60_000, to }
}

function Where({ job, attempts }: { job: Job; attempts: Attempt[] | undefined }) {
  const events = useQuery(eventList({ job_id: job.id }))
  if (!attempts || !events.data) return null
  return (
    <Panel title="Where the time went">
      <Waterfall attempts={attempts} job={job} steps={stepsOf(events.data.events)} />
    </Panel>
  )
}

function Outcome({ job }: { job: Job }) {
  return (
    <Panel>
      <Stack gap={8}>
        <JobProgress job={job} wide />
        <Group gap={8} justify="space-between">
          <Text className="cg-any" fw={550} size="sm">
            {job.message}
          </Text>
          <Text c="dimmed" size="sm">
            {job.started_at ? 'took ' : 'not started'}
            {job.started_at && <Took from={job.started_at} to={job.completed_at} />}
          </Text>
        </Group>
        {job.error && job.error !== job.message && (
          <Text c="var(--mantine-color-error)" className="cg-any" size="sm">
            {job.error}
          </Text>
        )}
      </Stack>
    </Panel>
  )
}

function About({ job }: { job: Job }) {
  return (
    <Panel title="About">
      <Facts
        facts={[
          job.cluster_id !== null && [
            'Cluster',
            <Link className="cg-link" key="cluster" params={{ clusterId: job.cluster_id }} to="/clusters/$clusterId">
              {job.cluster_id}
            </Link>,
          ],
          job.droplet_id !== null && [
            'Droplet',
            <Link className="cg-link cg-mono" key="droplet" search={{ open: job.droplet_id }} to="/droplets">
              {job.droplet_id}
            </Link>,
          ],
          ['State', job.state],
          ['Asked for', <Moment at={job.created_at} key="created" />],
          ['Started', <Moment at={job.started_at} key="started" />],
          ['Ended', <Moment at={job.completed_at} key="ended" />],
          job.state === 'scheduled' && ['Not before', <Moment at={job.run_at} key="run" />],
          ['Priority', `${job.priority} (lower runs first)`],
          job.worker_id !== null && [
            'Worker',
            <span className="cg-mono" key="worker">
              {job.worker_id}
            </span>,
          ],
          [
            'Trace',
            <Link className="cg-link cg-mono" key="trace" search={{ trace: job.trace_id }} to="/events">
              {job.trace_id}
            </Link>,
          ],
        ]}
      />
    </Panel>
  )
}
