/** Read the token of a setup link: it stands behind the #, so that no server ever sees it in an address. */
export function tokenIn(hash: string): string {
  return new URLSearchParams(hash.replace(/^#/, '')).get('token')?.trim() ?? ''
}
