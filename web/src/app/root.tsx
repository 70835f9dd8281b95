/** The root of all routes: the shell round every page, and what is shown for an address that leads nowhere. */
import { Title } from '@mantine/core'
import { createRootRoute, Link, useRouter } from '@tanstack/react-router'
import { Gate } from '~/auth/Gate'
import { Shell } from '~/shell/Shell'
import { Empty } from '~/ui/Empty'
import { ErrorPanel } from '~/ui/ErrorPanel'

export const rootRoute = createRootRoute({
  component: () => (
    <Gate>
      <Shell />
    </Gate>
  ),
  notFoundComponent: NotFound,
  errorComponent: Broken,
})

function NotFound() {
  return (
    <>
      <Title order={1}>There is no page at this address</Title>
      <Empty
        action={
          <Link className="cg-link" to="/">
            Go to the overview
          </Link>
        }
        icon="search"
        title="Nothing is here"
      >
        It may have been mistyped, or come from another version of ClusterGenie.
      </Empty>
    </>
  )
}

export function Broken({ error }: { error: unknown }) {
  const router = useRouter()
  return <ErrorPanel error={error} onRetry={() => router.invalidate()} />
}
