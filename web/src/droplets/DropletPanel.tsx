/** One droplet at the side of the list. */

import { Drawer, Group, Stack } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { ActButton } from '~/auth/ActButton'
import { ClusterName } from '~/clusters/ClusterName'
import { type Droplet, deleteDroplet, dropletOne } from '~/droplets/api'
import { EventList } from '~/events/EventList'
import { ButtonLink } from '~/ui/ButtonLink'
import { ChangeDialog, type Plan } from '~/ui/ChangeDialog'
import { CopyMenu } from '~/ui/CopyMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Facts } from '~/ui/Facts'
import { bytes, duration, perHour, perMonth } from '~/ui/format'
import { noteOwnChange } from '~/ui/held'
import { Icon } from '~/ui/Icon'
import { Meter } from '~/ui/Meter'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { Ago, Moment } from '~/ui/Time'
import { toast } from '~/ui/toast'
import { Waiting } from '~/ui/Waiting'

export function DropletPanel({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const query = useQuery({ ...dropletOne(id ?? ''), enabled: id !== undefined })
  const droplet = query.data?.droplet
  return (
    <Drawer
      onClose={onClose}
      opened={id !== undefined}
      position="right"
      size="min(560px, 100vw)"
      title={
        <Group component="span" gap={10}>
          <strong className="cg-any">{droplet?.name ?? id}</strong>
          {droplet && <Status status={droplet.status} />}
        </Group>
      }
    >
      {query.error && <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />}
      {!droplet && !query.error && <Waiting lines={8} />}
      {droplet && <Details droplet={droplet} />}
    </Drawer>
  )
}

function Details({ droplet }: { droplet: Droplet }) {
  const [deleting, setDeleting] = useState(false)
  const leaving = ['draining', 'deleting', 'deleted'].includes(droplet.status)
  const remove = useMutation({
    mutationFn: () => deleteDroplet(droplet.id),
    onSuccess: (reply) => {
      noteOwnChange()
      setDeleting(false)
      toast(`${droplet.name} is being deleted`, reply.job ? `/jobs/${reply.job.id}` : undefined)
    },
  })
  return (
    <Stack gap="md">
      <div className="cg-any">{droplet.status_reason}</div>
      <Group gap={8}>
        <ButtonLink
          search={{ cluster: droplet.cluster_id ?? undefined, droplet: droplet.id }}
          size="xs"
          to="/monitoring"
          variant="default"
        >
          Charts
        </ButtonLink>
        <CopyMenu
          size="xs"
          request={{
            path: `/droplets/${droplet.id}`,
            cli: ['droplet', 'get', droplet.id],
            python: `client.droplets.get("${droplet.id}")`,
          }}
        />
        <ActButton
          cluster={droplet.cluster_id}
          color="red"
          disabled={leaving}
          leftSection={<Icon name="trash" />}
          onClick={() => setDeleting(true)}
          size="xs"
          variant="light"
        >
          Delete
        </ActButton>
      </Group>
      <Measured droplet={droplet} />
      <Panel title="Machine">
        <Facts
          facts={[
            [
              'Id',
              <span className="cg-mono" key="id">
                {droplet.id}
              </span>,
            ],
            ['Cluster', droplet.cluster_id ? <ClusterName id={droplet.cluster_id} key="cluster" /> : 'none'],
            ['Placed', `${droplet.provider}, ${droplet.region}`],
            ['Size', droplet.size],
            ['Image', droplet.image],
            [
              'Address',
              droplet.ip_address ? (
                <span className="cg-mono" key="ip">{`${droplet.ip_address}:${droplet.port}`}</span>
              ) : (
                '–'
              ),
            ],
            [
              'Price',
              `${perHour(droplet.hourly_usd_micros)}${droplet.hourly_usd_micros > 0 ? `, ${perMonth(droplet.hourly_usd_micros)}` : ''}`,
            ],
            ['Created', <Moment at={droplet.created_at} key="created" />],
            ['Active', <Moment at={droplet.active_at} key="active" />],
            ['Job', droplet.job_id ? <JobLink id={droplet.job_id} key="job" /> : '–'],
            [
              'Trace',
              <Link className="cg-link cg-mono" key="trace" search={{ trace: droplet.trace_id }} to="/events">
                {droplet.trace_id}
              </Link>,
            ],
          ]}
        />
      </Panel>
      <EventList filter={{ droplet_id: droplet.id }} size={20} />
      <ChangeDialog
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setDeleting(false)}
        onConfirm={() => remove.mutate()}
        plan={deleting ? planOf(droplet) : null}
      />
    </Stack>
  )
}

const JobLink = ({ id }: { id: string }) => (
  <Link className="cg-link cg-mono" params={{ jobId: id }} to="/jobs/$jobId">
    {id}
  </Link>
)

function Measured({ droplet }: { droplet: Droplet }) {
  const { metrics } = droplet
  if (!metrics) return null
  const detail = metrics.detail as Record<string, number | boolean | undefined>
  return (
    <Panel aside={<Ago at={droplet.last_seen_at} />} title="Last heartbeat">
      <Facts
        facts={[
          ['CPU', <Meter key="cpu" label="CPU" value={metrics.cpu} />],
          [
            'Memory',
            <span key="memory">
              <Meter label="Memory" value={metrics.memory} /> {bytes(Number(detail.memory_bytes ?? 0))}
            </span>,
          ],
          ['Disk', <Meter key="disk" label="Disk" value={metrics.disk} />],
          ['Network', `${bytes(metrics.network_in ?? 0)}/s in, ${bytes(metrics.network_out ?? 0)}/s out`],
          ['Up for', droplet.uptime_seconds ? duration(droplet.uptime_seconds) : '–'],
          ['Processes', String(detail.processes ?? '–')],
        ]}
      />
    </Panel>
  )
}

function planOf(droplet: Droplet): Plan {
  return {
    title: `Delete ${droplet.name}`,
    sentence: droplet.cluster_id
      ? `It is drained and destroyed, and ${droplet.cluster_id} wants one fewer.`
      : 'It is drained and destroyed.',
    differences: [{ what: 'Status', before: droplet.status, after: 'deleted' }],
    cost: { before: droplet.hourly_usd_micros, after: 0 },
    consequences: ['What is stored on it is lost.'],
    confirm: 'Delete droplet',
    danger: true,
    request: { method: 'DELETE', path: `/droplets/${droplet.id}`, cli: ['droplet', 'delete', droplet.id, '--yes'] },
  }
}
