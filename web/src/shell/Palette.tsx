/** ⌘K: search, go and do. Commands come from the registry, things from the server. */
import { Kbd } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { createSpotlight, Spotlight } from '@mantine/spotlight'
import '@mantine/spotlight/styles.css'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { clusterList } from '~/clusters/api'
import { dropletList } from '~/droplets/api'
import type { Command, Hands } from '~/shell/commands'
import { MOD } from '~/shell/HeaderTools'
import { Icon, type IconName } from '~/ui/Icon'

interface Hit {
  id: string
  label: string
  description?: string
  icon: IconName
  run: () => void
  keys?: string[]
}

const [store, actions] = createSpotlight()

export default function Palette({
  commands,
  hands,
  onClose,
}: {
  commands: Command[]
  hands: Hands
  onClose: () => void
}) {
  const [query, setQuery] = useState('')
  // Not `forceOpened`: that one could not be closed by Esc, nor by a click beside it.
  useEffect(() => actions.open(), [])
  const found = useThings(query, hands)
  const wanted = query.trim().toLowerCase()
  const groups: [string, Hit[]][] = [['Found', found]]
  for (const group of ['Go to', 'Do', 'View'] as const) {
    const hits = commands
      .filter((one) => one.group === group && one.id !== 'palette' && one.label.toLowerCase().includes(wanted))
      .map((one) => ({ ...one, description: one.cli }))
    groups.push([group, hits])
  }
  const any = groups.some(([, hits]) => hits.length > 0)

  return (
    <Spotlight.Root
      attributes={{ content: { 'aria-label': 'Search and commands' } }}
      maxHeight="min(60vh, 520px)"
      onQueryChange={setQuery}
      onSpotlightClose={onClose}
      query={query}
      scrollable
      shortcut={null}
      store={store}
    >
      <Spotlight.Search
        aria-label="Search and commands"
        leftSection={<Icon name="search" />}
        placeholder="Cluster, droplet, job id, page, command"
      />
      <Spotlight.ActionsList>
        {groups.map(([label, hits]) =>
          hits.length > 0 ? (
            <Spotlight.ActionsGroup key={label} label={label}>
              {hits.map((hit) => (
                <Spotlight.Action
                  description={hit.description}
                  key={hit.id}
                  label={hit.label}
                  leftSection={<Icon name={hit.icon} size={18} />}
                  onClick={() => {
                    onClose()
                    hit.run()
                  }}
                  rightSection={<Keys keys={hit.keys} />}
                />
              ))}
            </Spotlight.ActionsGroup>
          ) : null,
        )}
        {!any && <Spotlight.Empty>Nothing is called that.</Spotlight.Empty>}
      </Spotlight.ActionsList>
    </Spotlight.Root>
  )
}

function Keys({ keys }: { keys?: string[] }) {
  return (
    <span style={{ display: 'inline-flex', gap: 4 }}>
      {keys?.map((key) => (
        <Kbd key={key} size="xs">
          {key.replace('mod+', `${MOD} `)}
        </Kbd>
      ))}
    </span>
  )
}

/** Clusters and droplets by name; jobs and traces by id. */
function useThings(query: string, hands: Hands): Hit[] {
  const [q] = useDebouncedValue(query.trim(), 150)
  const enabled = q.length >= 2
  const clusters = useQuery({ ...clusterList({ q, page_size: 5 }), enabled })
  const droplets = useQuery({ ...dropletList({ q, page_size: 5 }), enabled, refetchInterval: false })
  if (!enabled) return []
  const hits: Hit[] = []
  if (q.startsWith('job-'))
    hits.push({
      id: q,
      label: q,
      description: 'Job',
      icon: 'jobs',
      run: () => hands.go(`/jobs/${encodeURIComponent(q)}`),
    })
  if (/^[0-9a-f]{32}$/.test(q)) {
    hits.push({
      id: q,
      label: `Trace ${q}`,
      description: 'Events of this trace',
      icon: 'link',
      run: () => hands.go('/events', { trace: q }),
    })
  }
  for (const one of clusters.data?.clusters ?? []) {
    hits.push({
      id: one.id,
      label: one.name,
      description: `Cluster, ${one.status}: ${one.health}`,
      icon: 'clusters',
      run: () => hands.go(`/clusters/${one.id}`),
    })
  }
  for (const one of droplets.data?.droplets ?? []) {
    hits.push({
      id: one.id,
      label: one.name,
      description: `Droplet, ${one.status}`,
      icon: 'droplets',
      run: () => hands.go('/droplets', { open: one.id }),
    })
  }
  return hits
}
