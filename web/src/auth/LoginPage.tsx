/** The whole window, until somebody has signed in; the address stays, and is what is shown then. */
import { Text, Title } from '@mantine/core'
import { useRouterState } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import type { Me } from '~/auth/api'
import { LoginForm } from '~/auth/LoginForm'
import { Logo } from '~/shell/Logo'
import classes from './LoginPage.module.css'

export default function LoginPage({ me }: { me: Me | undefined }) {
  const here = useRouterState({ select: (state) => state.location.href })
  return (
    <Doorway sentence="Sign in to see and run this fleet." title="Sign in">
      <LoginForm me={me} next={here} />
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
