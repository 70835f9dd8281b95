/** A menu that Escape closes from the moment it is seen. */
import { Menu, type MenuProps } from '@mantine/core'
import { useState } from 'react'
import { useEarlyEscape } from '~/ui/escape'

export function DropMenu(props: Omit<MenuProps, 'opened' | 'onChange'>) {
  const [opened, setOpened] = useState(false)
  useEarlyEscape(opened, setOpened)
  return <Menu {...props} onChange={setOpened} opened={opened} position="bottom-end" />
}
