/** Who is signed in, with what, until when; and the way out. */
import { ActionIcon, Menu, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { serverUrl } from '~/api/client'
import { logOut, meQuery } from '~/auth/api'
import { allowed, inWords } from '~/auth/may'
import { DropMenu } from '~/ui/DropMenu'
import { ErrorPanel } from '~/ui/ErrorPanel'
import { Icon } from '~/ui/Icon'
import { Ago } from '~/ui/Time'

export function WhoMenu() {
  const { data: me } = useQuery(meQuery())
  const leave = useMutation({
    mutationFn: logOut,
    onSuccess: () => location.assign(`${serverUrl()}/`), // nothing of what was seen stays in memory
  })
  const who = me?.principal
  if (!who) return null
  const manages = allowed(who.grants, 'admin')
  return (
    <DropMenu width={280}>
      <Menu.Target>
        <ActionIcon aria-label={`Signed in as ${who.name}`} color="gray" size={32} variant="subtle">
          <Icon name="user" size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <div style={{ padding: '6px 12px' }}>
          <Text className="cg-any" fw={650} size="sm">
            {who.name}
          </Text>
          <Text c="dimmed" className="cg-any" size="xs">
            {inWords(who.grants)}
          </Text>
          <Text c="dimmed" size="xs">
            {me.loopback ? 'On this machine, without a key.' : null}
            {me.expires_at && (
              <>
                Ends <Ago at={me.expires_at} />
              </>
            )}
          </Text>
        </div>
        <Menu.Divider />
        <Menu.Item component={Link} leftSection={<Icon name="key" />} {...{ to: '/access' }}>
          {manages ? 'Access: keys and logins' : 'My sessions and roles'}
        </Menu.Item>
        {me.csrf_token && (
          <Menu.Item closeMenuOnClick={false} leftSection={<Icon name="left" />} onClick={() => leave.mutate()}>
            Sign out
          </Menu.Item>
        )}
        {leave.error && <ErrorPanel compact error={leave.error} />}
      </Menu.Dropdown>
    </DropMenu>
  )
}
