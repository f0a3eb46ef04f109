import { render } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import 'uplot/dist/uPlot.min.css'
import './style.css'
import { Live, type Theme } from './live'
import { Accounts } from './pages/accounts'
import { Agents } from './pages/agents'
import { Overview } from './pages/overview'
import { Requests } from './pages/requests'
import { Setup } from './pages/setup'
import { useView, ViewContext } from './parts'
import { WORDS } from './words'

const PAGES = { overview: Overview, accounts: Accounts, agents: Agents, requests: Requests, setup: Setup }
type Page = keyof typeof PAGES
const NAMES = Object.keys(PAGES) as Page[]
const THEMES: Theme[] = ['auto', 'light', 'dark']

function App({ live }: { live: Live }) {
  const [page, setPage] = useState(pageOf(location.hash))
  const [isMasked, setMasked] = useState(localStorage.getItem('masked') !== 'no')
  const [theme, setTheme] = useState((localStorage.getItem('theme') ?? 'auto') as Theme)
  const mask = () => setMasked(!isMasked)
  const nextTheme = () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!)
  useEffect(() => {
    const follow = () => setPage(pageOf(location.hash))
    addEventListener('hashchange', follow)
    return () => removeEventListener('hashchange', follow)
  }, [])
  useEffect(() => {
    document.title = `${WORDS.pages[page]} · Pointsman`
  }, [page])
  useEffect(() => {
    localStorage.setItem('masked', isMasked ? 'yes' : 'no')
    localStorage.setItem('theme', theme)
    document.documentElement.dataset.theme = theme
  }, [isMasked, theme])
  useKeys({ m: mask, t: nextTheme })
  const Shown = PAGES[page]
  return (
    <ViewContext.Provider value={{ live, isMasked, theme }}>
      <a class="skip" href="#content">
        {WORDS.skip}
      </a>
      <header>
        <h1>Pointsman</h1>
        <nav aria-label="Pages">
          {NAMES.map((name) => (
            <a key={name} href={`#${name}`} aria-current={name === page ? 'page' : undefined}>
              {WORDS.pages[name]}
            </a>
          ))}
        </nav>
        <Connection />
        <button type="button" onClick={mask}>
          {isMasked ? WORDS.masking.on : WORDS.masking.off}
        </button>
        <button type="button" onClick={nextTheme}>
          {WORDS.theme[theme]}
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        <Shown />
      </main>
      <footer>{WORDS.keys}</footer>
    </ViewContext.Provider>
  )
}

function Connection() {
  const { live } = useView()
  return (
    <span class={`connection ${live.connection}`} role="status">
      {WORDS.live[live.connection]}
    </span>
  )
}

function pageOf(hash: string): Page {
  return NAMES.find((name) => hash === `#${name}`) ?? 'overview'
}

// Single keys, where nothing is typed into.
function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return
      const page = NAMES[Number(event.key) - 1]
      if (page) location.hash = page
      else if (event.key === '/') focusFilter(event)
      else keys[event.key]?.()
    }
    addEventListener('keydown', press)
    return () => removeEventListener('keydown', press)
  })
}

function focusFilter(event: KeyboardEvent): void {
  const filter = document.querySelector<HTMLInputElement>('input.filter')
  if (!filter) return
  event.preventDefault()
  filter.focus()
}

const live = new Live()
live.connect()
render(<App live={live} />, document.getElementById('app')!)
