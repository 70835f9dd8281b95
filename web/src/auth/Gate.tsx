/** Who comes in: the console for who has signed in, the login for who has not, and a new login when it has ended. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { onSignedOut } from '~/api/session'
import { meQuery } from '~/auth/api'

const LoginPage = lazy(() => import('~/auth/LoginPage'))
const SignInAgain = lazy(() => import('~/auth/SignInAgain'))
const OPEN = /\/setup$/

export function Gate({ children }: { children: ReactNode }) {
  const me = useQuery(meQuery())
  const path = useRouterState({ select: (state) => state.location.pathname })
  const client = useQueryClient()
  const [ended, setEnded] = useState(false)
  const wasIn = useRef(false)
  const known = me.data?.principal != null
  if (known) wasIn.current = true // read by what happens later, never by what is drawn now

  useEffect(
    () =>
      onSignedOut(() => {
        if (!wasIn.current) return
        setEnded(true)
        void client.invalidateQueries({ queryKey: meQuery().queryKey })
      }),
    [client],
  )

  if (OPEN.test(path)) return <Outlet />
  // One short answer; without it every part of the page would ask, and be refused. Not `isPending`: where the answer is
  // a refusal, the page asks again as it appears, and would be taken away for that.
  if (!me.isFetched) return null
  if (me.data && !known && !wasIn.current) {
    return (
      <Suspense>
        <LoginPage me={me.data} />
      </Suspense>
    )
  }
  return (
    <>
      {children}
      <Suspense>{ended && <SignInAgain onDone={() => setEnded(false)} />}</Suspense>
    </>
  )
}
