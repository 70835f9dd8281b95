/** Who may come in: keys, browsers that are signed in, what the roles allow, and sign-on with another issuer. */
import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { ActButton } from '~/auth/ActButton'
import { meQuery } from '~/auth/api'
import { KeysPanel } from '~/auth/KeysPanel'
import { allowed, inWords } from '~/auth/may'
import { RolesPanel } from '~/auth/RolesPanel'
import { TABS } from '~/auth/routes'
import { SessionsPanel } from '~/auth/SessionsPanel'
import { Icon } from '~/ui/Icon'
import { Page } from '~/ui/Page'
import { Boundary } from '~/ui/Panel'
import { Waiting } from '~/ui/Waiting'

const OidcPanel = lazy(() => import('~/auth/OidcPanel'))
const route = getRouteApi('/access')
const LABELS = { keys: 'API keys', sessions: 'Sessions', roles: 'What roles may do', 'sign-on': 'Single sign-on' }

export function AccessPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const write = (change: Partial<typeof search>) =>
    void navigate({ search: (old) => ({ ...old, ...change }), replace: true })
  const me = useQuery(meQuery()).data
  const manages = me?.principal ? allowed(me.principal.grants, 'admin') : true
  const tab = search.tab ?? (manages ? 'keys' : 'sessions')
  return (
    <Page
      actions={
        <ActButton
          leftSection={<Icon name="plus" />}
          needs="admin"
          onClick={() => write({ tab: 'keys', create: true })}
        >
          Create key
        </ActButton>
      }
      request={
        tab === 'sessions'
          ? { path: '/auth/sessions', cli: ['session', 'list'] }
          : tab === 'roles'
            ? { path: '/auth/roles' }
            : { path: '/auth/keys', query: { status: search.status }, cli: ['key', 'list'] }
      }
      sentence={me?.principal && `You are ${me.principal.name}: ${inWords(me.principal.grants)}.`}
      title="Access"
    >
      <Tabs
        keepMounted={false}
        onChange={(next) =>
          write({ tab: next as typeof tab, page: undefined, sort: undefined, dir: undefined, status: undefined })
        }
        value={tab}
      >
        <Tabs.List mb="md">
          {TABS.filter((one) => manages || one === 'sessions' || one === 'roles').map((one) => (
            <Tabs.Tab key={one} value={one}>
              {LABELS[one]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Boundary key={tab}>
          <Tabs.Panel value="keys">
            <KeysPanel search={search} write={write} />
          </Tabs.Panel>
          <Tabs.Panel value="sessions">
            <SessionsPanel search={search} write={write} />
          </Tabs.Panel>
          <Tabs.Panel value="sign-on">
            <Suspense fallback={<Waiting />}>
              <OidcPanel />
            </Suspense>
          </Tabs.Panel>
          <Tabs.Panel value="roles">
            <RolesPanel />
          </Tabs.Panel>
        </Boundary>
      </Tabs>
    </Page>
  )
}
