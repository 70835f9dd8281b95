/** How fetched data is kept: live events say what is old, so nothing is fetched again for its own sake. */
import { keepPreviousData, QueryClient } from '@tanstack/react-query'
import { isPassing, Problem } from '~/api/problem'

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 5 * 60_000,
        networkMode: 'always', // the server may well be on this computer
        refetchOnWindowFocus: false,
        refetchOnReconnect: true,
        retry: (failures, error) => isPassing(error) && failures < 2 && !asksToWait(error),
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
        placeholderData: keepPreviousData,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}

/** The server said when to come back, and that is later than a person should look at an empty page. */
function asksToWait(error: unknown): boolean {
  return error instanceof Problem && (error.retryAfter ?? 0) > 2
}

export const queryClient = createQueryClient()
