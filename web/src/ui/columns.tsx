/** Which columns of a table are shown, remembered for this browser. */
import { ActionIcon, Menu } from '@mantine/core'
import { useState } from 'react'
import { DropMenu } from '~/ui/DropMenu'
import { Icon } from '~/ui/Icon'

type Visible = Record<string, boolean>

export function useColumns(id: string): [Visible, (visible: Visible) => void] {
  const key = `clustergenie-columns-${id}`
  const [visible, setVisible] = useState<Visible>(() => {
    try {
      return JSON.parse(localStorage.getItem(key) ?? '{}')
    } catch {
      return {}
    }
  })
  return [
    visible,
    (now) => {
      setVisible(now)
      try {
        localStorage.setItem(key, JSON.stringify(now))
      } catch {
        // Private windows may refuse; the choice then holds for this page.
      }
    },
  ]
}

interface ColumnMenuProps {
  columns: { id: string; header: string }[]
  visible: Visible
  onChange: (visible: Visible) => void
}

export function ColumnMenu({ columns, visible, onChange }: ColumnMenuProps) {
  return (
    <DropMenu closeOnItemClick={false}>
      <Menu.Target>
        <ActionIcon aria-label="Choose columns" size={30} title="Choose columns" variant="default">
          <Icon name="dots" />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.slice(1).map(({ id, header }) => {
          const shown = visible[id] !== false
          return (
            <Menu.Item
              aria-checked={shown}
              key={id}
              leftSection={
                <span style={{ visibility: shown ? 'visible' : 'hidden' }}>
                  <Icon name="ok" />
                </span>
              }
              onClick={() => onChange({ ...visible, [id]: !shown })}
              role="menuitemcheckbox"
            >
              {header}
            </Menu.Item>
          )
        })}
      </Menu.Dropdown>
    </DropMenu>
  )
}
