/** The saved views of a page: open one, save what is shown, give one away, forget one. */
import { ActionIcon, Button, Group, Popover, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { serverUrl } from '~/api/client'
import { copyText } from '~/ui/ErrorPanel'
import { useEarlyEscape } from '~/ui/escape'
import { Icon } from '~/ui/Icon'
import { parseSearch } from '~/ui/search'
import { toast } from '~/ui/toast'
import { linkOf, removeView, saveView, searchOf, useViews, type View } from '~/ui/views'
import classes from './ViewsMenu.module.css'

interface Props {
  page: string
  search: Record<string, unknown>
}

export function ViewsMenu({ page, search }: Props) {
  const [open, setOpen] = useState(false)
  useEarlyEscape(open, setOpen)
  const [name, setName] = useState('')
  const views = useViews(page)
  const navigate = useNavigate()
  const now = searchOf(search)
  const current = views.find((one) => one.search === now)
  const go = (view: View) => {
    setOpen(false)
    void navigate({ to: page, search: parseSearch(view.search) as never })
  }
  return (
    <Popover
      onChange={setOpen}
      opened={open}
      position="bottom-end"
      returnFocus
      trapFocus
      width="min(340px, calc(100vw - 24px))"
    >
      <Popover.Target>
        <Button leftSection={<Icon name="view" />} onClick={() => setOpen(!open)} variant="default">
          <span className="cg-clip">{current?.name ?? 'Views'}</span>
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          {views.length === 0 && (
            <Text c="dimmed" size="sm">
              A view is a name for the filters and the order that are set now. Views are kept in this browser; a link
              gives one to somebody else.
            </Text>
          )}
          {views.map((view) => (
            <Group gap={4} key={view.name} wrap="nowrap">
              <button
                aria-current={view === current || undefined}
                className={classes.view}
                onClick={() => go(view)}
                type="button"
              >
                {view.name}
              </button>
              <ActionIcon
                aria-label={`Copy a link that gives ${view.name}`}
                color="gray"
                onClick={() => void copyText(linkOf(view, serverUrl())).then((ok) => ok && toast('Link copied'))}
                variant="subtle"
              >
                <Icon name="link" />
              </ActionIcon>
              <ActionIcon
                aria-label={`Forget ${view.name}`}
                color="gray"
                onClick={() => removeView(view)}
                variant="subtle"
              >
                <Icon name="trash" />
              </ActionIcon>
            </Group>
          ))}
          <form
            onSubmit={(event) => {
              event.preventDefault()
              saveView({ page, name, search: now })
              setName('')
            }}
          >
            <Group align="flex-end" gap={6} wrap="nowrap">
              <TextInput
                label="Save what is shown as"
                maxLength={64}
                onChange={(event) => setName(event.currentTarget.value)}
                placeholder="failed tonight"
                size="xs"
                style={{ flex: 1 }}
                value={name}
              />
              <Button disabled={name.trim() === ''} size="xs" type="submit">
                Save
              </Button>
            </Group>
          </form>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

/** A view that came with a link: kept only when that is wanted. */
export function OfferedView({ page, search }: Props) {
  const navigate = useNavigate()
  const name = typeof search.save === 'string' ? search.save : ''
  if (!name) return null
  const settle = () => void navigate({ to: page, search: { ...search, save: undefined } as never, replace: true })
  return (
    <div className={classes.offer} role="status">
      <span className="cg-any">
        This link comes with the view <strong>{name}</strong>.
      </span>
      <Group gap={6}>
        <Button
          onClick={() => {
            saveView({ page, name, search: searchOf(search) })
            toast(`View ${name} saved`)
            settle()
          }}
          size="compact-sm"
        >
          Save view
        </Button>
        <Button onClick={settle} size="compact-sm" variant="subtle">
          Only look
        </Button>
      </Group>
    </div>
  )
}
