/** What a person may choose for this browser, and what this server is. */
import { SegmentedControl, Stack, Switch, Text, useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { api, ok, serverUrl } from '~/api/client'
import { useServerVersion } from '~/api/server'
import { type Preferences, setPreference, usePreferences } from '~/settings/preferences'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Facts } from '~/ui/Facts'
import { absolute, words, zoneName } from '~/ui/format'
import { Columns, Page } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { Status } from '~/ui/Status'
import { useNow } from '~/ui/Time'

export function SettingsPage() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const { zone, density, singleKeys } = usePreferences()
  const now = useNow((moment) => absolute(new Date(moment).toISOString(), zone))
  return (
    <Page
      request={{ path: 'root:/readyz', cli: ['config', 'show'], python: 'client.ready()' }}
      sentence="Kept in this browser."
      title="Settings"
    >
      <Columns least={380}>
        <Panel title="Looks">
          <Stack gap="lg">
            <Choice label="Theme" more="“System” follows the computer, also when it changes at night.">
              <SegmentedControl
                aria-label="Theme"
                data={[
                  { value: 'light', label: 'Light' },
                  { value: 'dark', label: 'Dark' },
                  { value: 'auto', label: 'System' },
                ]}
                onChange={(value) => setColorScheme(value as typeof colorScheme)}
                value={colorScheme}
              />
            </Choice>
            <Choice label="Tables" more="Compact shows about half as many rows again.">
              <SegmentedControl
                aria-label="Tables"
                data={[
                  { value: 'comfortable', label: 'Comfortable' },
                  { value: 'compact', label: 'Compact' },
                ]}
                onChange={(value) => setPreference('density', value as Preferences['density'])}
                value={density}
              />
            </Choice>
            <Choice label="Times" more={<>Now it is {now}, by the server’s clock.</>}>
              <SegmentedControl
                aria-label="Times"
                data={[
                  { value: 'local', label: `Local (${zoneName('local')})` },
                  { value: 'utc', label: 'UTC' },
                ]}
                onChange={(value) => setPreference('zone', value as Preferences['zone'])}
                value={zone}
              />
            </Choice>
            <Switch
              checked={singleKeys}
              description="Such as g then c for clusters. Press ? for all of them."
              label="Shortcuts of single keys"
              onChange={(event) => setPreference('singleKeys', event.currentTarget.checked)}
            />
          </Stack>
        </Panel>
        <Server />
      </Columns>
    </Page>
  )
}

function Choice({ label, more, children }: { label: string; more: ReactNode; children: ReactNode }) {
  return (
    <Stack align="flex-start" gap={6}>
      <Text fw={550} size="sm">
        {label}
      </Text>
      {children}
      <Text c="dimmed" size="sm">
        {more}
      </Text>
    </Stack>
  )
}

function Server() {
  const { version } = useServerVersion()
  const query = useQuery({
    queryKey: ['readyz'],
    queryFn: ({ signal }) => ok(api.GET('/readyz', { signal })),
    refetchInterval: 30_000,
  })
  return (
    <Panel title="This server">
      <Stack gap="sm">
        {query.error && <ErrorPanel compact error={query.error} onRetry={() => void query.refetch()} />}
        <Facts
          facts={[
            [
              'Address',
              <span className="cg-mono" key="url">
                {serverUrl()}
              </span>,
            ],
            ['Version', version || '–'],
            ...Object.entries(query.data?.dependencies ?? {}).map(([name, state]): [string, ReactNode] => [
              words(name),
              <Status key={name} label={state} status={state === 'ok' ? 'healthy' : 'failed'} />,
            ]),
          ]}
        />
      </Stack>
    </Panel>
  )
}
