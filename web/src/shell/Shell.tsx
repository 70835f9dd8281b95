/** The frame round every page: header, navigation, palette, keys, and what is true of the whole console. */
import { AppShell, Burger, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { setPreference } from '~/settings/preferences'
import { commandsFor, type Hands } from '~/shell/commands'
import { HeaderTools } from '~/shell/HeaderTools'
import { useKeys } from '~/shell/keys'
import { Logo } from '~/shell/Logo'
import { Missing } from '~/shell/Missing'
import { NavBar } from '~/shell/NavBar'
import { Notices } from '~/shell/Notices'
import { Boundary } from '~/ui/Panel'
import { Toasts } from '~/ui/toast'
import classes from './Shell.module.css'

const Palette = lazy(() => import('~/shell/Palette'))
const Sheet = lazy(() => import('~/shell/Sheet'))

export function Shell() {
  const [menu, { toggle, close }] = useDisclosure()
  const [open, setOpen] = useState<'palette' | 'sheet' | null>(null)
  const navigate = useNavigate()
  const { setColorScheme } = useMantineColorScheme()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const main = useRef<HTMLElement>(null)

  const hands = useMemo(
    (): Hands => ({
      go: (to, search) => void navigate({ to, search: search as never }),
      openPalette: () => setOpen('palette'),
      openSheet: () => setOpen('sheet'),
      setScheme: setColorScheme,
      setZone: (zone) => setPreference('zone', zone),
    }),
    [navigate, setColorScheme],
  )
  const commands = useMemo(() => commandsFor(hands), [hands])
  useKeys(commands)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu of a small screen
  useEffect(close, [path])

  return (
    <AppShell
      className={classes.shell}
      header={{ height: 56 }}
      layout="default"
      navbar={{ width: 220, breakpoint: 'sm', collapsed: { mobile: !menu } }}
      padding={{ base: 'sm', sm: 'lg' }}
      transitionDuration={0}
    >
      {/* biome-ignore lint/a11y/useValidAnchor: it is a link to a place in this page */}
      <a
        className="cg-skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault() // with a <base>, a bare #main would leave the page
          main.current?.focus()
        }}
      >
        Skip to the content
      </a>
      <AppShell.Header className={classes.header}>
        <Burger
          aria-label={menu ? 'Close the menu' : 'Open the menu'}
          hiddenFrom="sm"
          onClick={toggle}
          opened={menu}
          size="sm"
        />
        <Logo />
        <HeaderTools onPalette={hands.openPalette} onSheet={hands.openSheet} />
      </AppShell.Header>
      <AppShell.Navbar aria-label="Pages" className={classes.navbar}>
        <NavBar />
      </AppShell.Navbar>
      <AppShell.Main className={classes.main} id="main" ref={main} tabIndex={-1}>
        <Notices />
        <Missing />
        <Boundary key={path}>
          <Outlet />
        </Boundary>
      </AppShell.Main>
      <Toasts />
      <Suspense>
        {open === 'palette' && <Palette commands={commands} hands={hands} onClose={() => setOpen(null)} />}
        {open === 'sheet' && <Sheet commands={commands} onClose={() => setOpen(null)} />}
      </Suspense>
    </AppShell>
  )
}
