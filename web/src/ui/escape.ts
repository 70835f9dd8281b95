/** Escape for what drops down from a button: Mantine hears it only inside, where the focus comes after it is seen. */
import { useEffect } from 'react'

/** Close on an Escape that comes before the focus does. */
export function useEarlyEscape(opened: boolean, setOpened: (opened: boolean) => void): void {
  useEffect(() => {
    if (!opened) return

    function onKey(event: KeyboardEvent): void {
      if (event.key !== 'Escape' || event.defaultPrevented || isInside(event.target)) return
      event.preventDefault()
      // After the focus has come: it goes back to the button only from inside.
      setTimeout(() => setOpened(false))
    }

    // Before the keys of the page, to which nothing covers it yet.
    addEventListener('keydown', onKey, true)
    return () => removeEventListener('keydown', onKey, true)
  }, [opened, setOpened])
}

function isInside(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('[data-menu-dropdown], .mantine-Popover-dropdown') !== null
}
