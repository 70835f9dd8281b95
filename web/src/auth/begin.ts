/** Open the event stream once somebody is let in: before, it would only be refused. */
import { queryClient } from '~/api/queries'
import { meQuery } from '~/auth/api'
import { startLive } from '~/live/live'
import { retryNow } from '~/live/stream'

/** Ask who this is; resolves when that is known, or cannot be. */
export async function begin(): Promise<void> {
  await queryClient.prefetchQuery(meQuery())
  const me = queryClient.getQueryData(meQuery().queryKey)
  if (me && me.principal === null) retryNow.addEventListener('now', () => void startLive(), { once: true })
  else startLive()
}
