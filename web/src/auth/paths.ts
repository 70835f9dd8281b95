/** Where a login may lead to. */

/** A path of this console; what leads anywhere else leads to its first page. */
export function innerPath(next: string | undefined): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/'
}
