/** The whole window, until somebody has signed in; the address stays, and is what is shown then. */
import { Alert, Text, Title } from '@mantine/core'
import { useRouterState } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { serverUrl } from '~/api/client'
import type { Me } from '~/auth/api'
import { LoginForm } from '~/auth/LoginForm'
import { refusedBy } from '~/auth/oidc'
import { innerPath } from '~/auth/paths'
import { Logo } from '~/shell/Logo'
import { Icon } from '~/ui/Icon'
import classes from './LoginPage.module.css'

export default function LoginPage({ me }: { me: Me | undefined }) {
  // Below the console's own path: that is what the server puts before it again.
  const here = location.href.slice(serverUrl().length)
  const search = useRouterState({ select: (state) => state.location.search as { refused?: string; next?: string } })
  const refused = refusedBy(search.refused)
  return (
    <Doorway sentence="Sign in to see and run this fleet." title="Sign in">
      {refused && (
        <Alert color="red" icon={<Icon name="warn" />} mb="md" role="alert">
          {refused}
        </Alert>
      )}
      <LoginForm me={me} next={search.refused ? innerPath(search.next) : here} />
    </Doorway>
  )
}

/** A card in the middle of an otherwise empty window. */
export function Doorway({ title, sentence, children }: { title: string; sentence: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ClusterGenie`
  }, [title])
  return (
    <main className={classes.doorway} id="main">
      <div className={classes.card}>
        <Logo />
        <Title mt="md" order={1}>
          {title}
        </Title>
        <Text c="dimmed" component="div" mb="md" size="sm">
          {sentence}
        </Text>
        {children}
      </div>
    </main>
  )
}
