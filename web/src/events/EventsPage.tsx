/** The event log, live. */
import { Button, Group } from '@mantine/core'
import { getRouteApi } from '@tanstack/react-router'
import { TYPES } from '~/events/api'
import { EventList } from '~/events/EventList'
import { Choice } from '~/ui/Filters'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { command, pythonList } from '~/ui/request'
import { OfferedView, ViewsMenu } from '~/ui/ViewsMenu'

const route = getRouteApi('/events')

export function EventsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const filter = {
    type: search.type,
    cluster_id: search.cluster,
    job_id: search.job,
    droplet_id: search.droplet,
    trace_id: search.trace,
  }
  const key = JSON.stringify(filter)
  return (
    <Page
      actions={<ViewsMenu page="/events" search={search} />}
      request={{
        path: '/events',
        query: filter,
        cli: command(['events', 'list'], {
          cluster: search.cluster,
          droplet: search.droplet,
          job: search.job,
          type: search.type,
          'trace-id': search.trace,
        }),
        python: pythonList('events', filter),
      }}
      sentence="Everything that was committed, in order, the moment it was."
      title="Events"
    >
      <OfferedView page="/events" search={search} />
      <Group gap={8}>
        <Choice
          label="Any type"
          onChange={(type) => write({ type: type as typeof search.type })}
          options={TYPES}
          value={search.type}
          width={220}
        />
        {(['cluster', 'job', 'droplet', 'trace'] as const).map(
          (name) =>
            search[name] && (
              <Button
                key={name}
                onClick={() => write({ [name]: undefined })}
                rightSection={<Icon name="bad" size={12} />}
                size="xs"
                variant="light"
              >
                {name} {search[name]}
              </Button>
            ),
        )}
      </Group>
      <EventList filter={filter} key={key} tall />
    </Page>
  )
}
