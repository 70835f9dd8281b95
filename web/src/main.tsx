/** Start the console. */
import '~/ui/styles'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { queryClient } from '~/api/queries'
import { router } from '~/app/router'
import { reloadOnMissingChunk } from '~/app/skew'
import { begin } from '~/auth/begin'
import { listening } from '~/live/live'
import { THEME_KEY } from '~/settings/preferences'
import { resolver, theme } from '~/ui/theme'

const LONGEST_WAIT = 250

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''

// What keeps the page from scrolling under a dialog writes a style sheet of its own, and asks here for its nonce.
Object.assign(globalThis, { __webpack_nonce__: nonce })

reloadOnMissingChunk()
void begin()
// Reading rows only once the stream is open leaves no moment in which an event could be missed.
const font = document.fonts?.load('1em "Inter Variable"') // parts that measure their words must measure these
await Promise.race([Promise.all([listening(), font]), new Promise((resolve) => setTimeout(resolve, LONGEST_WAIT))])

const root = document.getElementById('root')
if (root) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider
        colorSchemeManager={localStorageColorSchemeManager({ key: THEME_KEY })}
        cssVariablesResolver={resolver}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
        theme={theme}
      >
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
}
