// Sets the colour scheme before the first paint; a file of its own because the page allows no inline script.
;(() => {
  var wanted = 'auto'
  try {
    wanted = localStorage.getItem('clustergenie-color-scheme') || 'auto'
  } catch (_) {}
  var dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
