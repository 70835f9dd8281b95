/** A framed part of a page that fails alone: an error in one panel leaves the others as they are. */
import { Group, Title } from '@mantine/core'
import { Component, type ReactNode } from 'react'
import { ErrorPanel } from '~/ui/ErrorPanel'
import classes from './Panel.module.css'

interface PanelProps {
  title?: ReactNode
  aside?: ReactNode
  children: ReactNode
  flush?: boolean
}

export function Panel({ title, aside, children, flush = false }: PanelProps) {
  return (
    <section className={classes.panel}>
      {(title || aside) && (
        <Group className={classes.head} justify="space-between" wrap="wrap">
          {title && <Title order={2}>{title}</Title>}
          {aside}
        </Group>
      )}
      <div className={flush ? undefined : classes.body}>
        <Boundary>{children}</Boundary>
      </div>
    </section>
  )
}

interface BoundaryState {
  error: unknown
}

/** Shows the error of what it holds in its place. */
export class Boundary extends Component<{ children: ReactNode }, BoundaryState> {
  override state: BoundaryState = { error: null }

  static getDerivedStateFromError(error: unknown): BoundaryState {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error !== null) {
      return <ErrorPanel error={this.state.error} onRetry={() => this.setState({ error: null })} />
    }
    return this.props.children
  }
}
