/** Everything that can be done from anywhere: the palette, the keys and the keyboard sheet all read this list. */
import type { MantineColorScheme } from '@mantine/core'
import { setPreference } from '~/settings/preferences'
import { PAGES } from '~/shell/navigation'
import type { Zone } from '~/ui/format'
import type { IconName } from '~/ui/Icon'

export interface Command {
  id: string
  label: string
  group: 'Go to' | 'Do' | 'View'
  icon: IconName
  /** One key after the other. Those with `mod` work while typing too. */
  keys?: string[]
  cli?: string
  run: () => void
}

/** What commands act on. */
export interface Hands {
  go: (to: string, search?: Record<string, unknown>) => void
  openPalette: () => void
  openSheet: () => void
  setScheme: (scheme: MantineColorScheme) => void
  setZone: (zone: Zone) => void
}

export function commandsFor(hands: Hands): Command[] {
  const go = PAGES.map(
    (page): Command => ({
      id: `go ${page.to}`,
      label: page.label,
      group: 'Go to',
      icon: page.icon,
      keys: ['g', page.letter],
      cli: `clustergenie ${page.cli}`,
      run: () => hands.go(page.to),
    }),
  )
  return [...go, ...acts(hands), ...views(hands)]
}

function acts(hands: Hands): Command[] {
  return [
    {
      id: 'create cluster',
      label: 'Create a cluster',
      group: 'Do',
      icon: 'plus',
      keys: ['n', 'c'],
      cli: 'clustergenie cluster create NAME --wanted-size 3',
      run: () => hands.go('/clusters', { create: true }),
    },
    {
      id: 'create droplet',
      label: 'Create a droplet',
      group: 'Do',
      icon: 'plus',
      keys: ['n', 'd'],
      cli: 'clustergenie droplet create NAME',
      run: () => hands.go('/droplets', { create: true }),
    },
    {
      id: 'failed jobs',
      label: 'Show failed jobs',
      group: 'Do',
      icon: 'bad',
      keys: ['g', 'f'],
      cli: 'clustergenie job list --status failed',
      run: () => hands.go('/jobs', { status: 'failed' }),
    },
    {
      id: 'orphans',
      label: 'Show orphaned machines',
      group: 'Do',
      icon: 'droplets',
      cli: 'clustergenie droplet orphans',
      run: () => hands.go('/droplets', { view: 'orphans' }),
    },
  ]
}

function views(hands: Hands): Command[] {
  return [
    {
      id: 'palette',
      label: 'Search and commands',
      group: 'View',
      icon: 'search',
      keys: ['mod+k'],
      run: hands.openPalette,
    },
    { id: 'sheet', label: 'Keyboard shortcuts', group: 'View', icon: 'keyboard', keys: ['?'], run: hands.openSheet },
    { id: 'light', label: 'Light theme', group: 'View', icon: 'sun', run: () => hands.setScheme('light') },
    { id: 'dark', label: 'Dark theme', group: 'View', icon: 'moon', run: () => hands.setScheme('dark') },
    { id: 'auto', label: 'Theme of the system', group: 'View', icon: 'auto', run: () => hands.setScheme('auto') },
    { id: 'local', label: 'Show local time', group: 'View', icon: 'wait', run: () => hands.setZone('local') },
    { id: 'utc', label: 'Show UTC', group: 'View', icon: 'wait', run: () => hands.setZone('utc') },
    {
      id: 'dense',
      label: 'Compact tables',
      group: 'View',
      icon: 'events',
      run: () => setPreference('density', 'compact'),
    },
    {
      id: 'roomy',
      label: 'Comfortable tables',
      group: 'View',
      icon: 'events',
      run: () => setPreference('density', 'comfortable'),
    },
  ]
}

/** Keys that move about in a page; they have no place in the palette. */
export const MOVES: { keys: string[]; label: string }[] = [
  { keys: ['/'], label: 'Put the cursor into the search box' },
  { keys: ['j'], label: 'Next row' },
  { keys: ['k'], label: 'Row before' },
  { keys: ['Enter'], label: 'Open the row' },
  { keys: ['x'], label: 'Select the row' },
  { keys: ['Shift x'], label: 'Select from the last one to this row' },
  { keys: ['Shift j'], label: 'Go to the next row and select it' },
  { keys: ['Shift k'], label: 'Go to the row before and select it' },
  { keys: ['Esc'], label: 'Close what is on top, or clear the selection' },
]
