/** Sign-on with another issuer's accounts: its settings, and which groups may do what here. */
import { Button, Group } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { inWords } from '~/auth/may'
import OidcForm from '~/auth/OidcForm'
import { deleteOidc, type Oidc, oidcSettings } from '~/auth/oidc'
import { ChangeDialog } from '~/ui/ChangeDialog'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Facts } from '~/ui/Facts'
import { Columns } from '~/ui/Page'
import { Panel } from '~/ui/Panel'
import { SimpleTable } from '~/ui/SimpleTable'
import { Moment } from '~/ui/Time'
import { toast } from '~/ui/toast'
import { Waiting } from '~/ui/Waiting'

export default function OidcPanel() {
  const query = useQuery(oidcSettings())
  const [doing, setDoing] = useState<'edit' | 'remove' | null>(null)
  const client = useQueryClient()
  const remove = useMutation({
    mutationFn: deleteOidc,
    onSuccess: () => {
      toast('Sign-on with another issuer is off')
      setDoing(null)
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['auth'] }),
  })
  if (query.error) return <ErrorPanel error={query.error} onRetry={() => void query.refetch()} />
  if (query.data === undefined) return <Waiting />
  const oidc = query.data
  return (
    <>
      {oidc === null ? (
        <Panel>
          <Empty
            action={<Button onClick={() => setDoing('edit')}>Set up single sign-on</Button>}
            cli={['api', 'GET', '/auth/oidc']}
            icon="key"
            title="Nobody signs in with another account"
          >
            With an OpenID Connect issuer, people sign in with the accounts they have, and their groups decide what they
            may do here.
          </Empty>
        </Panel>
      ) : (
        <Settings oidc={oidc} onDo={setDoing} />
      )}
      {doing === 'edit' && <OidcForm oidc={oidc} onClose={() => setDoing(null)} />}
      <ChangeDialog
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setDoing(null)}
        onConfirm={() => remove.mutate()}
        plan={
          doing === 'remove' && oidc
            ? {
                title: 'Switch single sign-on off',
                sentence: `Nobody signs in at ${oidc.issuer} any more.`,
                differences: [{ what: 'Issuer', before: oidc.issuer, after: 'none' }],
                cost: null,
                consequences: ['Sessions that began there end. Make sure that you can come in with a key.'],
                confirm: 'Switch off',
                danger: true,
                request: { method: 'DELETE', path: '/auth/oidc' },
              }
            : null
        }
      />
    </>
  )
}

function Settings({ oidc, onDo }: { oidc: Oidc; onDo: (what: 'edit' | 'remove') => void }) {
  const fixed = oidc.source === 'environment'
  return (
    <Columns least={380}>
      <Panel title={oidc.name}>
        <Facts
          facts={[
            [
              'Issuer',
              <span className="cg-mono" key="issuer">
                {oidc.issuer}
              </span>,
            ],
            [
              'Client id',
              <span className="cg-mono" key="client">
                {oidc.client_id}
              </span>,
            ],
            ['Client secret', oidc.has_secret ? 'kept, encrypted; never shown' : 'none: a public client with PKCE'],
            [
              'Tell the issuer',
              <span className="cg-mono" key="uri">
                {oidc.redirect_uri}
              </span>,
            ],
            ['Scopes', oidc.scopes.join(' ')],
            ['Groups are in', oidc.groups_claim],
            oidc.updated_at !== null && ['Changed', <Moment at={oidc.updated_at} key="at" />],
            oidc.updated_by !== null && ['By', oidc.updated_by],
          ]}
        />
        <Group gap={8} justify="flex-end" mt={12}>
          {fixed && <span className="cg-dim">Set by the server’s environment; it is changed there.</span>}
          <Button color="red" disabled={fixed} onClick={() => onDo('remove')} size="compact-sm" variant="light">
            Switch off
          </Button>
          <Button disabled={fixed} onClick={() => onDo('edit')} size="compact-sm" variant="default">
            Change
          </Button>
        </Group>
      </Panel>
      <Panel flush title="Who may do what">
        {oidc.groups.length === 0 ? (
          <Empty icon="user" title="No group has a role">
            Nobody can come in this way until one has.
          </Empty>
        ) : (
          <SimpleTable
            columns={['Group', 'May']}
            label="Groups"
            rows={oidc.groups.map((one) => ({ key: one.group, cells: [one.group, inWords(one.grants)] }))}
          />
        )}
      </Panel>
    </Columns>
  )
}
