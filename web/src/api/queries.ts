/** How fetched data is kept: live events say what is old, so nothing is fetched again for its own sake. */
import { keepPreviousData, QueryClient } from '@tanstack/react-query'
import { isPassing } from '~/api/problem'

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 5 * 60_000,
        networkMode: 'always', // the server may well be on this computer
        refetchOnWindowFocus: false,
        refetchOnReconnect: true,
        retry: (failures, error) => isPassing(error) && failures < 2,
        retryDelay: (failures) => Math.min(500 * 2 ** failures, 4000),
        placeholderData: keepPreviousData,
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}

export const queryClient = createQueryClient()
