/** The frame of every page: its title, a sentence, its actions, and the same request as curl, CLI and Python. */
import { Group, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { CopyMenu } from '~/ui/CopyMenu'
import { Icon } from '~/ui/Icon'
import type { Request } from '~/ui/request'
import classes from './Page.module.css'

interface PageProps {
  title: string
  /** What stands in the header instead of the bare title, when there is more to show. */
  heading?: ReactNode
  sentence?: ReactNode
  back?: { to: string; label: string }
  actions?: ReactNode
  request: Request
  children: ReactNode
}

export function Page({ title, heading, sentence, back, actions, request, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · ClusterGenie`
  }, [title])
  return (
    <div className={classes.page}>
      <header className={classes.header}>
        <div className={classes.titles}>
          {back && (
            <Link className={classes.back} to={back.to}>
              <Icon name="left" size={13} /> {back.label}
            </Link>
          )}
          <Title className="cg-any" order={1}>
            {heading ?? title}
          </Title>
          {sentence && (
            <Text c="dimmed" className="cg-any" component="div" size="sm">
              {sentence}
            </Text>
          )}
        </div>
        <Group gap={8}>
          {actions}
          <CopyMenu request={request} />
        </Group>
      </header>
      {children}
    </div>
  )
}

/** Panels side by side as wide as they fit, one below the other on small screens. */
export function Columns({ children, least = 320 }: { children: ReactNode; least?: number }) {
  return (
    <div className={classes.columns} style={{ '--least': `${least}px` } as React.CSSProperties}>
      {children}
    </div>
  )
}
