/** A page that was loaded before an upgrade asks for chunks that are gone: load it anew, once. */

const KEY = 'clustergenie-reloaded-at'
const AGAIN = 30_000

export function reloadOnMissingChunk(reload: () => void = () => location.reload()): void {
  addEventListener('vite:preloadError', (event) => {
    const last = Number(sessionStorage.getItem(KEY) ?? 0)
    if (Date.now() - last < AGAIN) return // it did not help: let the error be shown
    sessionStorage.setItem(KEY, String(Date.now()))
    event.preventDefault()
    reload()
  })
}
