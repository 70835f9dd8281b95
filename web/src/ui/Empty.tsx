/** Nothing there: what would be here, one thing to do, and how the command line does it. */
import { Group, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { Icon, type IconName } from '~/ui/Icon'
import { shell } from '~/ui/request'
import classes from './Empty.module.css'

interface EmptyProps {
  icon: IconName
  title: string
  children?: ReactNode
  action?: ReactNode
  cli?: string[]
}

export function Empty({ icon, title, children, action, cli }: EmptyProps) {
  return (
    <div className={classes.empty}>
      <span className={classes.icon}>
        <Icon name={icon} size={26} />
      </span>
      <Text fw={600}>{title}</Text>
      {children && (
        <Text c="dimmed" component="div" maw={460} size="sm" ta="center">
          {children}
        </Text>
      )}
      {action && <Group mt={4}>{action}</Group>}
      {cli && <code className={classes.cli}>$ {['clustergenie', ...cli].map(shell).join(' ')}</code>}
    </div>
  )
}
