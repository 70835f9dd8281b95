/** The session has ended while somebody was at work: sign in over the page, and nothing that was typed is lost. */
import { Modal, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import { meQuery } from '~/auth/api'
import { LoginForm } from '~/auth/LoginForm'

const ABOVE_ALL = 1000

export default function SignInAgain({ onDone }: { onDone: () => void }) {
  const { data: me } = useQuery({ ...meQuery(), refetchOnWindowFocus: 'always' })
  const back = me?.principal != null // it was in another tab
  useEffect(() => {
    if (back) onDone()
  }, [back, onDone])
  return (
    <Modal closeOnClickOutside={false} onClose={onDone} opened title="Your session has ended" zIndex={ABOVE_ALL}>
      <Text mb="md" size="sm">
        Sign in to go on. The page below stays as it is; what you typed there is kept.
      </Text>
      <LoginForm aside me={me} next="/" onDone={onDone} />
    </Modal>
  )
}
